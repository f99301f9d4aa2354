import { ProtocolError } from "../../base/errors.ts";
import type { AttachmentTexts, RequestView } from "../../codecs/dubbo2/request-view.ts";
import { isContainer, type Value } from "../../codecs/value.ts";
import { ARGUMENT, type HeaderLookup } from "../../codecs/xds/match.ts";
import type { OtherReading } from "../authz/checkpoint.ts";
import { contextOf, genericMethods, otherCase, requireMethodName, requireServiceName } from "../authz/names.ts";
import type { HostDecision, RouteTable } from "../route.ts";
import { requirePlainArgument } from "./plain-argument.ts";

/**
 * Refuses calls that providers would take for another service or method than policies. Providers find their service by `path`, `group` and
 * `version` among the attachments (DubboProtocol.getInvoker, all lines to 3.3), and call what argument 0 of `$invoke` names with any three
 * arguments (2.6 and 2.7.0 to 2.7.6). Throws `ProtocolError`.
 */
export function refuseDoubleNames(routes: RouteTable, head: RequestView, decision: HostDecision): void {
  refuseOtherNames(head, decision);
  const { group } = decision.host.key;
  requireServiceName({ path: head.service, group, version: plainVersion(head.version ?? "") }, "dubbo2");
  if (isGroup(routes, head)) throw new ProtocolError("dubbo2", `service ${head.service.slice(0, 100)} names a group`);
  if (head.method.startsWith("$invoke") && (!head.isGeneric || head.effectiveMethod === head.method))
    throw new ProtocolError("dubbo2", `call of ${head.method} does not say which method is meant`);
  requireMethodName(head.effectiveMethod, "dubbo2");
}

/** The part of {@link refuseDoubleNames} that calls of one beginning differ in: what their attachments say, and where these stand. */
export function refuseOtherNames(head: RequestView, { host }: HostDecision): void {
  if (!head.hasPlainTypes)
    throw new ProtocolError("dubbo2", "a parameter's class has letters that are not ASCII, and policies hold here");
  const attachments = head.attachments();
  const { group, version } = host.key;
  if (attachments.differs("path", head.service)) throw otherName("path", attachments, head.service);
  if (attachments.differs("version", version) && (version !== "" || attachments.differs("version", "0.0.0")))
    throw otherName("version", attachments, version);
  if (attachments.differs("group", group)) throw otherName("group", attachments, group);
}

function otherName(name: "path" | "version" | "group", attachments: AttachmentTexts, is: string): ProtocolError {
  const raw = attachments.get(name) ?? "";
  const said = name === "version" ? plainVersion(raw) : raw;
  const at = name === "group" ? "service" : "call's head";
  const text = `names ${JSON.stringify(said.slice(0, 100))}, and the ${at} ${JSON.stringify(is.slice(0, 100))}`;
  return new ProtocolError("dubbo2", `attachment ${name} ${text}`);
}

/** Whether what stands before the interface is a group that the service has: providers would take it for that. */
function isGroup(routes: RouteTable, head: RequestView): boolean {
  const context = contextOf(head.service);
  if (context === "") return false;
  const decision = routes.decide(head.service, head.version ?? "", head.method);
  return decision !== undefined && decision.anyGroup !== true && decision.byGroup.has(context);
}

/** What else a provider may take a call for. */
export function otherReadings(head: RequestView): readonly OtherReading[] {
  const method = head.effectiveMethod;
  if (!head.isGeneric) return otherCase(method);
  const name = head.service.slice(head.service.lastIndexOf("/") + 1);
  return [...otherCase(method), ...genericMethods(name, method, typesOf(head.genericTypes()))];
}

/** The names in a generic call's list of types. */
export function typesOf(types: Value | undefined): readonly unknown[] {
  if (types === undefined || types === null) return [];
  return isContainer(types) && types.type === "list" ? types.items : [types];
}

/** A call's headers as policies see them: what can be read in two ways is not read. Throws `ProtocolError` then. */
export function policyLookup(head: RequestView, lookup: HeaderLookup): HeaderLookup {
  return (name) => {
    if (name === "dubbo-group" && contextOf(head.service) !== "" && !head.attachments().get("group"))
      throw new ProtocolError("dubbo2", "a policy asks for the group, which may stand in the service's name");
    if (name.startsWith(ARGUMENT)) requirePlainArgument(head, name.slice(ARGUMENT.length));
    const cases = head.attachments().countCases(name);
    if (cases === 2)
      throw new ProtocolError("dubbo2", `a policy asks for ${name}, which stands there in several cases of letters`);
    return cases === 1 || name.startsWith("dubbo-") ? lookup(name) : undefined;
  };
}

/** The attachments that decide a call of a lane, where policies go by these of its headers: {@link refuseOtherNames} asks for three of them. */
export function attachmentsAsked(headers: readonly string[]): string[] {
  const asked = new Set(["path", "group", "version"]);
  for (const name of headers) {
    if (name === "dubbo-application") asked.add("remote.application");
    else if (name !== "dubbo-group" && name !== "dubbo-version") asked.add(name);
  }
  return [...asked];
}

function plainVersion(version: string): string {
  return version === "0.0.0" ? "" : version;
}
