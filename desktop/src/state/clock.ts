// The server's time on this machine: timers count from the server's `since`, and clocks differ.

export class ServerClock {
  #offset: number | null = null;
  #old = false;
  #local: () => number;

  constructor(local: () => number) {
    this.#local = local;
  }

  /** A new connection: this machine's clock may have been set since, so the next event counts anew. */
  renew(): void {
    this.#old = true;
  }

  /** An event stamped `at` has just arrived. The least late one is nearest to the truth. */
  observe(at: number): void {
    const offset = at - this.#local();
    if (this.#offset === null || this.#old || offset > this.#offset) this.#offset = offset;
    this.#old = false;
  }

  /** Now, in the server's time. */
  now(): number {
    return this.#local() + (this.#offset ?? 0);
  }
}
