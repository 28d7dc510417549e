/**
 * What an RPC may need, in the words of `credit.v1.Right` and for the same reasons. No right implies another: what a
 * credential may do is what it says, and nothing has to be worked out.
 */
export const RIGHTS = ['READ', 'SPEND', 'GRANT', 'LEDGER', 'ADMIN'] as const;
export type Right = (typeof RIGHTS)[number];

/** Who calls, and what they may do where. */
export type Credential = {
  /** Stands for the caller in the log. */
  readonly name: string;
  readonly rights: ReadonlySet<Right>;
  readonly namespaces: ReadonlySet<string> | '*';
};

/** Who may call, as of now. */
export type Credentials = {
  /** Whose secret it is; undefined: nobody's, or nobody's any more. */
  bySecret(secret: string): Credential | undefined;
  /** Who has this name, which somebody else has verified. */
  byName(name: string): Credential | undefined;
  /** Calls back whenever they have changed; gives back what calls that off. */
  onChange(listener: () => void): () => void;
};

/** Everybody, where no credential is asked for. */
export const ANYBODY: Credential = { name: 'anonymous', rights: new Set(RIGHTS), namespaces: '*' };

export const mayIn = ({ namespaces }: Credential, namespace: string): boolean =>
  namespaces === '*' || namespaces.has(namespace);
