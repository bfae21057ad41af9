/** What clients see of signing in with others; `newSession` is what the schema calls a session that has just begun. */
export const typeDefs = (newSession: string): string => /* GraphQL */ `
  extend type Query {
    """
    With whom people may sign in here, beside what the rest of the API offers; empty where with nobody.
    """
    signInProviders: [SignInProvider!]!
  }

  """
  Somebody with whom people may sign in, such as Google.
  """
  type SignInProvider {
    """
    What \`beginSignInWith\` calls it.
    """
    name: String!
    """
    What to write on the button.
    """
    title: String!
  }

  extend type Mutation {
    """
    Begins a sign-in with a provider. Keep \`id\` where only this browser's session has it, such as a cookie that
    scripts cannot read, and send the person to \`url\`. The provider sends them back to the page of your front
    end that the server is set up with; hand the full address of that request to \`finishSignInWith\`.

    Must be the only field of its operation.

    Errors: \`BAD_USER_INPUT\` for an unknown provider; \`UNAVAILABLE\` when the provider does not answer;
    \`TOO_MANY_ATTEMPTS\` when too many are begun and not finished; \`SIGN_IN_AGAIN\` for a link without a
    sign-in of the last ten minutes.
    """
    beginSignInWith(input: BeginSignInWithInput!): BeginSignInWithPayload

    """
    Finishes a sign-in with what the provider sent the person back with. Works once.

    A person who was here before is known again by the provider's account. A new account is taken for the
    person who has proven its address here, or begins a new one; either takes an address that the provider has verified.

    Must be the only field of its operation.

    Errors: \`BAD_USER_INPUT\` naming the argument; \`UNAVAILABLE\` when the provider does not answer.
    """
    finishSignInWith(input: FinishSignInWithInput!): FinishSignInWithPayload
  }

  """
  All input for the \`beginSignInWith\` mutation.
  """
  input BeginSignInWithInput @scope(isMutationInput: true) {
    clientMutationId: String
    """
    The name of one of \`signInProviders\`.
    """
    provider: String!
    """
    Whether to give the person who is signed in another way to sign in, instead of beginning a session. Needs a
    sign-in of the last ten minutes.
    """
    link: Boolean = false
  }

  """
  The output of our \`beginSignInWith\` mutation.
  """
  type BeginSignInWithPayload @scope(isMutationPayload: true) {
    clientMutationId: String
    result: BegunSignIn
  }

  """
  A sign-in that waits for the person to come back from the provider.
  """
  type BegunSignIn {
    """
    Identifies it to \`finishSignInWith\`. A secret of the browser that began it: never put it into an address.
    """
    id: UUID!
    """
    Where to send the person.
    """
    url: String!
    """
    When it can no longer be finished.
    """
    expiresAt: Datetime!
  }

  """
  All input for the \`finishSignInWith\` mutation.
  """
  input FinishSignInWithInput @scope(isMutationInput: true) {
    clientMutationId: String
    """
    What \`beginSignInWith\` gave to the browser that now came back.
    """
    id: UUID!
    """
    The full address to which the person came back, with all its parameters.
    """
    callbackUrl: String!
  }

  """
  The output of our \`finishSignInWith\` mutation.
  """
  type FinishSignInWithPayload @scope(isMutationPayload: true) {
    clientMutationId: String
    """
    The session that begins; null when it was refused, or when an account was linked.
    """
    result: ${newSession}
    """
    Why it was refused; null when it was not.
    """
    refusal: SignInRefusal
  }

  """
  Why a sign-in with a provider came to nothing.
  """
  enum SignInRefusal {
    """
    The person, or the provider for them, declined.
    """
    DECLINED
    """
    It expired, was finished already, or was begun by another browser. Begin anew.
    """
    EXPIRED
    """
    What the provider sent back cannot be trusted. Begin anew.
    """
    INVALID
    """
    The account to be linked is somebody else's.
    """
    TAKEN
    """
    Nobody signed in with this account before, and the provider does not vouch for its address. Sign in another
    way, and link the account.
    """
    UNVERIFIED
  }
`
