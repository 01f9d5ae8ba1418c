interface Connection {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
}

/**
 * Calls `gone` once the connection is closed, at once where it was closed before: its 'close' is told once, and whoever begins to listen after an await has missed it. What is held
 * for a client is let go here, and nowhere else.
 */
export function whenGone(connection: Connection, gone: () => void): void {
  if (connection.destroyed) gone();
  else connection.once('close', gone);
}

/** Aborted once the connection is closed. */
export function departureOf(connection: Connection): AbortSignal {
  const departure = new AbortController();
  whenGone(connection, () => departure.abort());
  return departure.signal;
}
