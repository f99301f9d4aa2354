import { ProtocolError } from "../../base/errors.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { isGrpcOwn, meantKey } from "../../model/served.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import type { Ruling } from "./checkpoint.ts";
import type { Asking, Subject } from "./question.ts";

/** Dubbo's own services. */
const OF_DUBBO = "org.apache.dubbo.metadata.";

/**
 * A call's headers with the group and version of the service that the Triple provider behind an inbound listener takes it for, whatever it says:
 * `key`. Where that is not certain they are not read: ProtocolError. Elsewhere the headers are as they were.
 */
export function servedLookup(
  { servedOf }: Pick<RuntimeConfig, "servedOf">,
  key: ServiceKey,
  header: HeaderLookup,
): HeaderLookup {
  // What no registry has is what calls name.
  if (servedOf === undefined || isGrpcOwn(key.interface) || key.interface.startsWith(OF_DUBBO)) return header;
  const meant = meantKey(key, servedOf(key.interface));
  return (name) => {
    if (name !== "dubbo-group" && name !== "dubbo-version") return header(name);
    if (meant === undefined) {
      const text = `a policy asks for ${name}, and which service the provider takes the call for is not certain`;
      throw new ProtocolError("triple", text);
    }
    return (name === "dubbo-group" ? meant.group : meant.version) || undefined;
  };
}

/** A ruling whose servers are told, and whose policies behind them are asked, of a call as {@link servedLookup} has it. */
export function askedAsServed(config: Pick<RuntimeConfig, "servedOf">, key: ServiceKey, ruling: Ruling): Ruling {
  if (ruling.open === undefined) return ruling;
  const about = (asking: Asking | undefined): Asking | undefined =>
    asking && { ask: (subject, done) => asking.ask(servedSubject(config, key, subject), done) };
  const open = [...ruling.open].map(
    ([target, { changes, question, trial }]) =>
      [target, { changes, question: about(question), trial: about(trial) }] as const,
  );
  return { ...ruling, open: new Map(open) };
}

/** Of what is not certain a server is told nothing. */
function servedSubject(config: Pick<RuntimeConfig, "servedOf">, key: ServiceKey, subject: Subject): Subject {
  const header = servedLookup(config, key, subject.header);
  const headers = new Map(subject.text.headers);
  for (const name of ["dubbo-group", "dubbo-version"]) {
    const value = certain(header, name);
    if (value === undefined) headers.delete(name);
    else headers.set(name, value);
  }
  return { ...subject, header, text: { ...subject.text, headers } };
}

/** A header as servers are told it: undefined where what it is is not certain. */
export function certain(header: HeaderLookup, name: string): string | undefined {
  try {
    return header(name);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
