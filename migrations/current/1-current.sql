-- Write the next change here: `npx plinth db watch` runs it on each save.

--!include functions/app_private/ended_sessions.sql
