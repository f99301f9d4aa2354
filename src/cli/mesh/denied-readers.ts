import type { Finding } from "../../model/entry.ts";

/** More are not told. */
const MAX_TOLD = 100;

/** Clients whose gateways name credentials that they may not be given. */
export class DeniedReaders {
  readonly #denied = new Map<string, Finding>();

  /** What was said of one now. */
  note(identity: string, credential: string, may: boolean): void {
    const key = `${identity} ${credential}`;
    if (may) this.#denied.delete(key);
    else if (this.#denied.size < MAX_TOLD && !this.#denied.has(key))
      this.#denied.set(key, {
        code: "TR0802",
        severity: "warning",
        message: `${identity} serves a Gateway with credentialName ${credential}, and may not be given its key`,
        at: credential,
      });
  }

  /** Rules changed: who is denied something still is noted anew. */
  clear(): void {
    this.#denied.clear();
  }

  findings(): readonly Finding[] {
    return [...this.#denied.values()];
  }
}
