/* What is told to everybody, as it travels between objects: part of the ports. */

/** One broadcast, on its way to whoever is connected. Its `id` is all that tells a repeat. */
export interface Broadcast {
  id: string;
  /** The text frame, encoded once for everybody. */
  frame: string;
  /** When nobody has to be told any more, in milliseconds. */
  expiresAt: number;
}

/** A broadcast that one shard of the directory is to carry to whom it lists. */
export interface BroadcastRequest extends Broadcast {
  /** Where its id follows from an idempotency key: what tells another body under that key from this one. */
  print?: string;
}

/** A shard has taken it: it will be carried out, whatever crashes. */
export interface BroadcastTaken {
  /** How many the shard listed then. */
  users: number;
  /** It was taken before, and nothing else comes of this. */
  duplicate?: true;
}
