-- Write the next change here: `npx plinth db watch` runs it on each save.

--!include functions/app_private/find_guest_pass.sql
--!include functions/app_hidden/page_pass__submit.sql
