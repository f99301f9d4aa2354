import { saysProtobuf, saysWrapper } from "../../codecs/triple/style.ts";
import type { Consumer, Endpoint, Entry, Finding } from "../../model/entry.ts";
import type { ServiceSchema } from "../../model/schema.ts";
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
  const byInterface = new Map<string, Endpoint[]>();
  for (const { service, endpoints } of entries) {
    const alive = endpoints.filter(({ disabled }) => !disabled);
    const open = alive.filter(({ protocol, params }) => protocol === "tri" && !saysWrapper(params));
    // Of a service without any endpoint what is known stays until others come.
    if (open.length === 0 && alive.length > 0) continue;
    byInterface.set(service.interface, [...(byInterface.get(service.interface) ?? []), ...open]);
  }
  const needs: SchemaNeed[] = [];
  for (const [name, endpoints] of byInterface) {
    if (known(name)?.protobuf !== undefined) continue;
    const isProtobuf = endpoints.some(({ params }) => saysProtobuf(params));
    const places = new Map(endpoints.map(({ address, port }) => [`${address}:${port}`, { address, port }]));
    needs.push({
      name,
      endpoints: [...places].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, place]) => place),
      isProtobuf,
    });
  }
  return needs.sort((a, b) => (a.name < b.name ? -1 : 1));
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
  for (const { service, endpoints, mapped } of entries) {
    const name = service.interface;
    if (mapped === true || names.has(name) || OWN.test(name)) continue;
    const isJava = endpoints.some(
      ({ protocol, params, disabled }) =>
        !disabled && (protocol === "dubbo" || (protocol === "tri" && saysWrapper(params))),
    );
    if (isJava && known(name)?.java === undefined) names.add(name);
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
