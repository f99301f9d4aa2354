import type { Logger } from "../../base/log.ts";
import type { ControlStore } from "../../control/store.ts";
import type { Finding } from "../../model/entry.ts";
import type { SyncState } from "../../registry-sync/contracts.ts";
import { createProtoFiles, type ProtoFiles } from "./proto-files.ts";

/** Where the types of calls come from: the configuration's files and the registries' metadata, handed to the store. */
export class SchemaSources {
  readonly files: ProtoFiles;
  readonly #store: ControlStore;
  #fromRegistry: SyncState["schemas"] = [];

  constructor(paths: readonly string[], store: ControlStore, log: Logger) {
    this.#store = store;
    this.files = createProtoFiles({ paths, log });
  }

  /** Reads the files once. */
  async start(): Promise<void> {
    await this.files.rescan();
  }

  /** Hands on what files say, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    for await (const { schemas } of this.files.current.watch(signal)) this.#store.setSchemas("files", schemas);
  }

  /** What the registries know may be other now. */
  take({ schemas }: SyncState): void {
    if (schemas === this.#fromRegistry) return;
    this.#fromRegistry = schemas;
    this.#store.setSchemas("registry", schemas);
  }

  /** What is wrong with the files. */
  findings(): readonly Finding[] {
    return this.files.current.get().findings;
  }

  close(): void {
    this.files.close();
  }
}
