import { ProtocolError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { HEADER_CONVERT, keepsNames } from "../../codecs/triple/attachments.ts";
import type { CallHead } from "../../codecs/triple/head.ts";
import { ARGUMENT, type HeaderLookup } from "../../codecs/xds/match.ts";
import { contextOf, requireMethodName, requireServiceName } from "../authz/names.ts";
import { parametersOf } from "../policies/query.ts";
import type { Decision } from "../route.ts";

/** Fields that say what is called, and how, each of which peers take the first or the last of. */
const ONCE = [
  ..."tri-service-group tri-service-version rest-service-group rest-service-version".split(" "),
  ...["tri-consumer-appname", "content-type", "generic", HEADER_CONVERT],
];
/** What servers read in different ways: escapes, backslashes, fragments, parameters, empty segments and dots for segments. */
const AMBIGUOUS = /[%\\#;]|\/\/|\/\.{1,2}(?:[/?]|$)/;

/**
 * Refuses calls whose head providers would take for one of another service or method than policies: 3.3 reads paths of plain HTTP as file
 * names (`get.json`, `/./`, `//`), renames attachments as the caller says, and takes groups and versions from the path. `decision` is what the
 * path's interface has. Throws `ProtocolError`.
 */
export function refuseDoubleHeads(fields: Fields, head: CallHead, decision: Decision | undefined): void {
  const target = fieldValue(fields, ":path") ?? "";
  const fault = (text: string): never => {
    throw new ProtocolError("triple", text);
  };
  const route = target.split("?", 1)[0]!;
  if (AMBIGUOUS.test(route)) fault(`path ${shown(target)} can be read in several ways, and policies hold here`);
  requireMethodName(head.method, "triple");
  requireServiceName(head, "triple");
  const context = contextOf(head.path);
  const isKnown = decision !== undefined && decision.anyGroup !== true;
  if (context !== "" && isKnown && decision.byGroup.has(context)) fault(`path ${shown(target)} names a group`);
  const isPlain = head.kind === "json" || head.kind === "http" || head.kind === "proto";
  // Of what is behind an inbound proxy nothing is known: a path that REST annotations may have made is not one of an interface.
  if (isPlain && !isKnown && !head.interface.includes(".")) fault(`path ${shown(target)} names no interface`);
  for (const name of ONCE)
    if (isRepeated(fields, name) || fieldValue(fields, `${name}-bin`) !== undefined)
      fault(`field ${name} stands there twice`);
  for (const part of ["group", "version"]) {
    const said = [fieldValue(fields, `tri-service-${part}`), fieldValue(fields, `rest-service-${part}`)];
    if (said[0] !== undefined && said[1] !== undefined && said[0] !== said[1]) fault(`the ${part} is said twice`);
  }
  const convert = fieldValue(fields, HEADER_CONVERT);
  if (convert !== undefined && !keepsNames(convert)) fault(`${HEADER_CONVERT} gives attachments other names`);
}

/** Whether a call's messages are in gRPC's frames: policies read arguments of no others. */
export function isFramed({ kind }: Pick<CallHead, "kind">): boolean {
  return kind === "wrapper" || kind === "protobuf" || kind === "grpc" || kind === "grpc_web";
}

/**
 * A call's headers as policies see them: what can be read in two ways is not read. Throws `ProtocolError` then. Parameters of the query, `?NAME`,
 * are for tokens alone.
 */
export function policyLookup(fields: Fields, head: CallHead, lookup: HeaderLookup): HeaderLookup {
  const once = onceLookup(fields, lookup);
  return (name) => {
    if (name.startsWith("?")) return parametersOf(fieldValue(fields, ":path") ?? "", name.slice(1))[0];
    if (name === "dubbo-group" && head.group === "" && contextOf(head.path) !== "")
      throw new ProtocolError("triple", "a policy asks for the group, which may stand in the path");
    if (name.startsWith(ARGUMENT)) {
      if (isFramed(head)) return lookup(name);
      throw new ProtocolError("triple", `a policy asks for ${name}, which is read of gRPC-framed calls alone`);
    }
    return once(name);
  };
}

/** A call's headers without those that peers read in different ways: what stands there twice, or in bytes too. Throws `ProtocolError` for them. */
export function onceLookup(fields: Fields, lookup: HeaderLookup): HeaderLookup {
  return (name) => {
    const field = name.toLowerCase();
    if ((field !== "cookie" && isRepeated(fields, field)) || fieldValue(fields, `${field}-bin`) !== undefined)
      throw new ProtocolError("triple", `a policy asks for ${name}, which stands there twice`);
    return lookup(name);
  };
}

/** Whether a field stands there twice, with values that differ. */
function isRepeated(fields: Fields, name: string): boolean {
  const first = fieldValue(fields, name);
  if (first === undefined) return false;
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name && fields[i + 1] !== first) return true;
  return false;
}

function shown(target: string): string {
  return JSON.stringify(target.slice(0, 200));
}
