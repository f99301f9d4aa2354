import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { ServiceKey } from "../../model/service.ts";
import { hashOf } from "../policies/hash.ts";
import type { CompiledRoute } from "../route.ts";
import type { RuntimeConfig } from "../runtime-config.ts";
import { argumentText } from "./argument-text.ts";

const ARGUMENT = "dubbo-arg-";

/**
 * A Dubbo2 call's headers, as rules see them: attachments in any case of letters, and the names that docs/rules.md lists.
 * The lookup is good as long as `head` is. It throws `ProtocolError` where the body cannot be read that far.
 * `application` is who registered from the caller's address, for callers that do not say.
 */
export function headerLookup(head: RequestView, key: ServiceKey, application: string | undefined): HeaderLookup {
  return (name) => {
    switch (name) {
      case "dubbo-group":
        return key.group === "" ? undefined : key.group;
      case "dubbo-version":
        return key.version === "" ? undefined : key.version;
      case "dubbo-application":
        return head.attachments().get("remote.application") ?? application;
      default:
        if (name.startsWith(ARGUMENT)) return argumentText(head, name.slice(ARGUMENT.length));
        return head.attachments().getIgnoreCase(name);
    }
  };
}

/** A call's hash by the inputs that its route names; undefined where it names none. Of a call without a `head`, only the caller's address is known. */
export function hashFor(
  { hash }: Pick<CompiledRoute, "hash">,
  head: RequestView | undefined,
  key: ServiceKey,
  config: Pick<RuntimeConfig, "applicationOf">,
  address: string,
): number | undefined {
  if (hash === undefined) return undefined;
  return hashOf(
    hash,
    head === undefined ? () => undefined : headerLookup(head, key, config.applicationOf(address)),
    address,
  );
}
