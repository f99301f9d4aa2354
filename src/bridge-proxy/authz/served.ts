import { ProtocolError } from "../../base/errors.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import { meantKey } from "../../model/served.ts";
import type { ServiceKey } from "../../model/service.ts";
import type { RuntimeConfig } from "../runtime-config.ts";

/** Dubbo's and gRPC's own services, which no registry has: they are what calls name. */
const BUILT_IN = /^(?:grpc\.(?:health|reflection|channelz)|org\.apache\.dubbo\.metadata)\./;

/**
 * A call's headers with the group and version of the service that the Triple provider behind an inbound listener takes it for, whatever it says:
 * `key`. Where that is not certain they are not read: ProtocolError. Elsewhere the headers are as they were.
 */
export function servedLookup(
  { servedOf }: Pick<RuntimeConfig, "servedOf">,
  key: ServiceKey,
  header: HeaderLookup,
): HeaderLookup {
  if (servedOf === undefined || BUILT_IN.test(key.interface)) return header;
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
