import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import { ARGUMENT, type HeaderLookup } from "../../codecs/xds/match.ts";
import type { ServiceKey } from "../../model/service.ts";
import { argumentText } from "./argument-text.ts";

/**
 * A Dubbo2 call's headers, as rules see them: attachments in any case of letters, and the names that docs/rules.md lists.
 * The lookup is good as long as `head` is. It throws `ProtocolError` where the body cannot be read that far.
 * Without a `head` nothing is found. `application` is who registered from the caller's address, for callers that do not say.
 */
export function headerLookup(
  head: RequestView | undefined,
  key: ServiceKey,
  application: string | undefined,
): HeaderLookup {
  if (head === undefined) return () => undefined;
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
