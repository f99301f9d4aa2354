import { saysProtobuf, saysWrapper } from "../../../codecs/triple/style.ts";
import type { Consumer, Endpoint, Entry, Finding } from "../../../model/entry.ts";
import { entryChanges } from "../../../model/entry-changes.ts";
import type { ServiceSchema } from "../../../model/schema.ts";
import { askedPlace } from "../reach.ts";
import type { ReflectionAnswer, ReflectionNeed } from "./reflection.ts";
import { schemaFinding } from "./schema-findings.ts";

/** An interface whose protobuf types may be needed. */
export interface SchemaNeed extends ReflectionNeed {
  /** Its providers say that their messages are protobuf: only types can explain them. */
  readonly isProtobuf: boolean;
}

/**
 * The interfaces with Triple providers that say that they take protobuf, or do not say what they take, and whose messages neither files
 * nor registries tell (`known`). Sorted by name.
 */
export function schemaNeeds(
  entries: readonly Entry[],
  known: (name: string) => ServiceSchema | undefined,
): readonly SchemaNeed[] {
  const byInterface = new Map<string, readonly Endpoint[]>();
  for (const entry of entries) {
    const { open } = speakersOf(entry);
    if (open === undefined) continue;
    const name = entry.service.interface;
    byInterface.set(name, [...(byInterface.get(name) ?? []), ...open]);
  }
  const needs: SchemaNeed[] = [];
  for (const [name, endpoints] of byInterface) {
    if (known(name)?.protobuf !== undefined) continue;
    const isProtobuf = endpoints.some(({ params }) => saysProtobuf(params));
    const places = new Map(endpoints.map((one) => [`${one.address}:${one.port}`, askedPlace(one)]));
    needs.push({
      name,
      endpoints: [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place),
      isProtobuf,
    });
  }
  return needs.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What of an entry's providers decides whose types are needed. */
interface Speakers {
  /** Those of Triple that may take protobuf; undefined where there are only others. */
  readonly open: readonly Endpoint[] | undefined;
  /** Whether one of them has a Java interface. */
  readonly isJava: boolean;
}

const speakers = new WeakMap<Entry, Speakers>();

function speakersOf(entry: Entry): Speakers {
  const known = speakers.get(entry);
  if (known !== undefined) return known;
  const alive = entry.endpoints.filter(({ disabled }) => !disabled);
  const open = alive.filter(({ protocol, params }) => protocol === "tri" && !saysWrapper(params));
  const isJava = alive.some(
    ({ protocol, params }) => protocol === "dubbo" || (protocol === "tri" && saysWrapper(params)),
  );
  // Of a service without any endpoint what is known stays until others come.
  const found = { open: open.length === 0 && alive.length > 0 ? undefined : open, isJava };
  speakers.set(entry, found);
  return found;
}

/** Whether other types may be needed for entries that became others; of changes that are none for this (a weight, one more of many alike) not. */
export function mayNeedOthers(before: readonly Entry[], after: readonly Entry[]): boolean {
  const { gone, came } = entryChanges(before, after);
  if (gone.length !== came.length) return true;
  const old = new Map(gone.map((entry) => [entry.host, entry]));
  return came.some((entry) => {
    const was = old.get(entry.host);
    if (was === undefined || was.service.interface !== entry.service.interface || was.mapped !== entry.mapped)
      return true;
    const [a, b] = [speakersOf(was), speakersOf(entry)];
    return a.isJava !== b.isJava || a.open !== undefined || b.open !== undefined;
  });
}

/** Dubbo's own services, which nobody calls by JSON or protobuf. */
const OWN = /^(?:org\.apache\.dubbo|com\.alibaba\.dubbo|grpc)\./;
/** Services that the finding on Java's types names. */
const MAX_NAMED = 3;

/** The interfaces with providers of a Java interface whose methods and classes nobody tells. Sorted by name. */
export function untoldInterfaces(
  entries: readonly Entry[],
  known: (name: string) => ServiceSchema | undefined,
): readonly string[] {
  const names = new Set<string>();
  for (const entry of entries) {
    const name = entry.service.interface;
    if (entry.mapped === true || names.has(name) || OWN.test(name)) continue;
    if (speakersOf(entry).isJava && known(name)?.java === undefined) names.add(name);
  }
  return [...names].sort();
}

/** One finding for all of them; none where there are none. */
export function untoldFindings(names: readonly string[]): readonly Finding[] {
  if (names.length === 0) return [];
  const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : "";
  const which = `${names.length} service${names.length === 1 ? "" : "s"} (${names.slice(0, MAX_NAMED).join(", ")}${more})`;
  const message = `nobody tells Java's types of ${which}: calls by JSON and protobuf go to their providers by what the arguments look like; let providers of Dubbo 2.7 and 3 write metadata reports into their registry, or name the Nacos that they report to by metadata; those of 2.6 and dubbo-go write none`;
  return [schemaFinding("TR0311", message, names[0]!)];
}

const CURES = "give its .proto files by protos, or switch the server's reflection on";

/**
 * Findings on needed types that reflection did not tell either: where only they can explain the messages, and where Dubbo2 consumers
 * call a service that is then taken for a Java interface.
 */
export function needFindings(
  needs: readonly SchemaNeed[],
  answerOf: (name: string) => ReflectionAnswer | undefined,
  consumers: readonly Consumer[],
): readonly Finding[] {
  const open = needs.filter(({ name, endpoints }) => {
    const answer = answerOf(name);
    return endpoints.length > 0 && answer !== undefined && answer.type !== "types";
  });
  if (open.length === 0) return [];
  const old = new Set(consumers.filter(speaksDubbo2).map(({ service }) => service.interface));
  return open.flatMap(({ name, isProtobuf }) => {
    const answer = answerOf(name)!;
    if (isProtobuf) {
      const message = `the Triple providers of ${name} take protobuf messages that nobody tells (${reasonOf(answer)}), so that calls by Dubbo2 and JSON cannot be translated for them; ${CURES}`;
      return [schemaFinding("TR0310", message, name)];
    }
    // A server that lists its services without this one has it as a Java interface, whose calls need no types.
    if (answer.type === "no_service" || !old.has(name)) return [];
    const message = `nobody tells the types of ${name} (${reasonOf(answer)}); its Triple providers are taken to offer a Java interface to its Dubbo2 consumers. If they take protobuf messages, ${CURES}`;
    return [schemaFinding("TR0310", message, name)];
  });
}

function speaksDubbo2({ params }: Consumer): boolean {
  const release = params["release"] ?? params["dubbo"] ?? "";
  return release.startsWith("2.") && params["protocol"] !== "tri";
}

function reasonOf(answer: ReflectionAnswer): string {
  switch (answer.type) {
    case "no_service":
      return "their reflection has no such service";
    case "no_reflection":
      return "they have no reflection";
    case "failed":
      return `reflection failed: ${answer.why}`;
    case "types":
      return "";
    default:
      return answer satisfies never;
  }
}
