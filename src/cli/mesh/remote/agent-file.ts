import { chmodSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../../../base/log.ts";
import type { CertificateValidationContext } from "../../../codecs/xds/secret.ts";
import type { KeptCertificate } from "../../../control/ca/keeper.ts";

/** What an agent keeps over a restart. */
export interface AgentState {
  readonly certificate: KeptCertificate;
  /** What peers are held against, as control gave it last; absent before the first time. */
  readonly validation?: CertificateValidationContext;
  /** Hash of the token that the certificate goes back to; absent where none was. */
  readonly token?: string;
}

const FILE = "agent.json";

/** Keeps a proxy's certificate and key in a folder, for its owner alone. */
export class AgentFile {
  readonly #path: string;
  readonly #log: Logger;

  constructor(folder: string, log: Logger) {
    this.#path = join(folder, FILE);
    this.#log = log;
  }

  /** What was kept; undefined where there is nothing, or it can't be read, which is logged. */
  load(): AgentState | undefined {
    try {
      const state = JSON.parse(readFileSync(this.#path, "utf8")) as Partial<AgentState>;
      const { chain, key, roots, notBeforeMs, notAfterMs } = state.certificate ?? {};
      const isWhole = [chain, key, roots].every((text) => typeof text === "string");
      if (isWhole && typeof notBeforeMs === "number" && typeof notAfterMs === "number") return state as AgentState;
      throw new Error("it is not what was written");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      // No text of the file: there is a key in it.
      this.#log.warn("the certificate that was kept can't be used", { path: this.#path });
      return undefined;
    }
  }

  /** Keeps this in place of what was kept. A failure is logged. */
  save(state: AgentState): void {
    try {
      writeFileSync(`${this.#path}.new`, JSON.stringify(state), { mode: 0o600 });
      chmodSync(`${this.#path}.new`, 0o600);
      renameSync(`${this.#path}.new`, this.#path);
    } catch (error) {
      this.#log.error("the certificate can't be kept", { path: this.#path, reason: (error as Error).message });
    }
  }
}
