import { steadyClock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { NamedResource } from "../../../codecs/xds/resources.ts";
import type { Secret } from "../../../codecs/xds/secret.ts";
import type { ControlStore } from "../../../control/store.ts";
import type { Finding } from "../../../model/entry.ts";
import type { ServiceSchema } from "../../../model/schema.ts";
import type { Snapshot } from "../../../model/snapshot.ts";
import type { SyncState } from "../../../registry-sync/contracts.ts";
import type { TrestleConfig } from "../../config/config.ts";
import { type AskedPlace, createReach } from "../reach.ts";
import { MetadataCentres } from "./metadata-centres.ts";
import { OpenapiDocuments } from "./openapi-documents.ts";
import { documentNeeds } from "./openapi-needs.ts";
import { askForDocument, readDocument } from "./openapi-places.ts";
import { createProtoFiles, type ProtoFiles } from "./proto-files.ts";
import { Reflection } from "./reflection.ts";
import {
  mayNeedOthers,
  needFindings,
  type SchemaNeed,
  schemaNeeds,
  untoldFindings,
  untoldInterfaces,
} from "./schema-needs.ts";

/** Where the types of calls come from: the configuration's files, the registries' metadata and metadata centres, OpenAPI documents, and servers' reflection; handed to the store. */
export class SchemaSources {
  readonly files: ProtoFiles;
  readonly #store: ControlStore;
  readonly #centres: MetadataCentres;
  readonly #reflection: Reflection | undefined;
  readonly #documents: OpenapiDocuments;
  #state: Pick<SyncState, "entries" | "schemas" | "consumers"> = { entries: [], schemas: [], consumers: [] };
  #needs: readonly SchemaNeed[] = [];
  #untold: readonly string[] = [];
  #hasAll = false;
  /** What metadata centres said last. */
  #told: readonly ServiceSchema[] | undefined;

  /** Without Triple nobody is asked by reflection. By `secrets` providers are asked that take mutual TLS alone. */
  constructor(
    { protos, metadata, proxy }: Pick<TrestleConfig, "protos" | "metadata" | "proxy">,
    hasTriple: boolean,
    secrets: () => readonly NamedResource<Secret>[],
    store: ControlStore,
    log: Logger,
  ) {
    this.#store = store;
    this.files = createProtoFiles({ paths: protos, log });
    this.#centres = new MetadataCentres({ configs: metadata, log, onChange: () => this.#takeCentres() });
    const onSchemas = (schemas: SyncState["schemas"]) => store.setSchemas("reflection", schemas);
    const reach = createReach(proxy.inbound, secrets);
    const ask = async (at: AskedPlace, service: string) => {
      const { reflectEndpoint } = await import("./reflect-endpoint.ts");
      return reflectEndpoint(reach, at, service);
    };
    this.#documents = new OpenapiDocuments({
      ask: (at, path) => askForDocument(reach, at, path),
      ...{ read: readDocument, clock: steadyClock, log },
      onSchemas: (schemas) => store.setSchemas("openapi", schemas),
    });
    if (hasTriple) this.#reflection = new Reflection({ ask, clock: steadyClock, log, onSchemas });
  }

  /** Reads the files once. */
  async start(): Promise<void> {
    await this.files.rescan();
  }

  /** Hands on what files and metadata centres say, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const centres = this.#centres.run(signal);
    for await (const { schemas } of this.files.current.watch(signal)) {
      this.#store.setSchemas("files", schemas);
      this.#lookForNeeds();
    }
    await centres;
  }

  /** Whether all registries were read, and then all that metadata centres say of their providers. */
  get isRead(): boolean {
    return this.#hasAll && this.#centres.isRead;
  }

  /** What the registries know may be other now. */
  take({ entries, schemas, consumers, silent }: SyncState): void {
    const before = this.#state;
    this.#state = { entries, schemas, consumers };
    this.#hasAll = silent.size === 0;
    this.#centres.follow(entries);
    if (schemas !== before.schemas) this.#store.setSchemas("registry", schemas);
    if (schemas !== before.schemas || mayNeedOthers(before.entries, entries)) this.#lookForNeeds();
  }

  /** Rules may name other documents now, or their services be elsewhere. */
  takeSnapshot(snapshot: Snapshot): void {
    this.#documents.setNeeds(documentNeeds(snapshot));
  }

  /** What is wrong with the files and documents, and whose types nobody tells although they are needed. */
  findings(): readonly Finding[] {
    const answerOf = (name: string) => this.#reflection?.answerOf(name);
    const known = [...this.#centres.schemas, ...this.#state.schemas];
    const javaOf = (name: string) => known.find((one) => one.name === name)?.java?.methods ?? [];
    return [
      ...this.#centres.findings,
      ...this.files.current.get().findings,
      ...this.#documents.findings((name) => javaOf(name).map((method) => method.name)),
      ...needFindings(this.#needs, answerOf, this.#state.consumers),
      ...untoldFindings(this.#untold),
    ];
  }

  close(): void {
    this.files.close();
    this.#reflection?.close();
    this.#documents.close();
  }

  #takeCentres(): void {
    const { schemas } = this.#centres;
    // Findings alone are no work for the store.
    if (schemas === this.#told) return;
    this.#told = schemas;
    this.#store.setSchemas("metadata", schemas);
    this.#lookForNeeds();
  }

  #lookForNeeds(): void {
    if (this.#reflection === undefined) return;
    const known = new Map<string, ServiceSchema>();
    for (const schema of [...this.#state.schemas, ...this.#centres.schemas, ...this.files.current.get().schemas])
      known.set(schema.name, { ...known.get(schema.name), ...schema });
    const { entries } = this.#state;
    this.#needs = schemaNeeds(entries, (name) => known.get(name));
    this.#untold = untoldInterfaces(entries, (name) => known.get(name));
    this.#reflection.setNeeds(this.#needs);
  }
}
