import { isMap, isScalar, isSeq, LineCounter, type YAMLMap } from "yaml";
import type { Position } from "../../base/errors.ts";
import { readYamlDocuments, YamlLimitError } from "../../base/yaml-documents.ts";
import { describeYamlFault } from "../../base/yaml-fault.ts";
import type { Finding } from "../../model/entry.ts";
import type { PolicyRule, Rule } from "../../model/rule.ts";
import type { GatewayRoute } from "../../model/rules/gateway-route.ts";
import type { Located } from "../../model/rules/located.ts";
import { closedPoliciesIn, closedPolicy, UNNAMED } from "./closed-policies.ts";
import { isTrial } from "./dry-run.ts";
import { createFindingList, type Report } from "./findings.ts";
import { GATEWAY_API_KINDS } from "./gateway-api/kinds.ts";
import { reportAnnotations } from "./kinds/annotations.ts";
import type { ObjectMetadata } from "./kinds/gateway-object.ts";
import { KINDS } from "./kinds/istio-schema.ts";
import { META_ROUTER, readMetaRouter } from "./kinds/meta-router.ts";
import { isNetworkingKind, readNetworking } from "./kinds/networking-kinds.ts";
import { POLICY_KINDS } from "./kinds/policy-kinds.ts";
import { readRestSpec } from "./kinds/rest-mapping.ts";
import { salvage } from "./salvage.ts";
import { meantBy, type ObjectShape, positionOf, quote, type ReadContext, readNode } from "./schema.ts";
import { resolveAliases } from "./yaml-aliases.ts";

/** What one file holds. */
export interface ParsedFile {
  /** Its rules in the order of the text; empty where the text is wrong. */
  readonly rules: readonly Rule[];
  readonly findings: readonly Finding[];
  /** False where a fault of the text must keep its rules from use: the file's last good state stays in force. */
  readonly valid: boolean;
  /** Of a wrong text: what is in force of its policies where there is no last good state. */
  readonly standIns?: StandIns;
  /** Of a wrong text: which policies it may hold can't be told. */
  readonly isUnknown?: true;
}

/** Policies of a wrong text. */
export interface StandIns {
  /** Those that are right by themselves. */
  readonly right: readonly PolicyRule[];
  /** In place of those that are not: nobody may call what these may have kept from being called. */
  readonly closed: readonly PolicyRule[];
}

/** Largest rule file, bytes. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_DOCUMENTS = 5_000;
const MAX_NODES = 500_000;
/** Of a whole file. */
const MAX_YAML = { pieces: 1_000_000, aliases: 100_000, documents: 2 * MAX_DOCUMENTS, faults: 1_000 };
/** Nodes of the metadata of a policy with a fault. */
const MAX_METADATA = 10_000;

const NETWORKING = {
  apiVersion: /^networking\.istio\.io\/(v1|v1beta1|v1alpha3)$/,
  apiVersions: "networking.istio.io/v1, v1beta1 or v1alpha3",
};
const GATEWAY_API = {
  apiVersion: /^gateway\.networking\.k8s\.io\/(v1|v1beta1|v1alpha2)$/,
  apiVersions: "gateway.networking.k8s.io/v1, v1beta1 or v1alpha2",
};
const AERAKI = {
  apiVersion: /^metaprotocol\.aeraki\.io\/v1alpha1$/,
  apiVersions: "metaprotocol.aeraki.io/v1alpha1",
};
/** Of Trestle's own kinds. */
const OWN = { apiVersion: /^trestle\.io\/v1alpha1$/, apiVersions: "trestle.io/v1alpha1" };

/** Codes that tell of an object left out, while the rest of the file holds. */
const HARMLESS = new Set(["TR0204", "TR0227", "TR0228", "TR0236", "TR0240", "TR0254", "TR0256", "TR0272", "TR0275"]);

/**
 * Reads the rules of one file: YAML of any number of documents, or JSON; objects of kind `List` are taken apart.
 * Never throws: whatever is wrong becomes a finding with file, line and column, all at once.
 */
export function parseRules(file: string, text: string): ParsedFile {
  return parseText(file, text, false);
}

/** Reads one object of Kubernetes' as {@link parseRules} reads a file with it alone. Places in it are told by fields: `VirtualService shop/orders spec.hosts`. */
export function parseObject(place: string, object: object): ParsedFile {
  return parseText(place, JSON.stringify(object), true);
}

function parseText(file: string, text: string, isObject: boolean): ParsedFile {
  const start = isObject ? 0 : 1;
  const found = createFindingList();
  const read: ReadSoFar = {
    rules: [],
    right: [],
    closed: [],
    faults: 0,
    isUnknown: false,
    isOdd: false,
    budget: MAX_NODES,
  };
  const report: Report = (code, position, message) => {
    if (!HARMLESS.has(code)) read.faults++;
    found.report(code, position, message);
  };
  const top = { file, line: start, column: start };
  try {
    readDocuments(file, isObject, text, read, report);
  } catch (error) {
    // Nesting that exhausts the stack is told in the words of the language.
    const said = error instanceof Error ? error.message : String(error);
    const reason = /call stack/i.test(said) ? "it is nested too deeply" : said;
    report(error instanceof YamlLimitError ? "TR0216" : "TR0202", top, `${file} can't be read as YAML: ${reason}`);
    closeText(read, text, top);
  }
  const { rules, right, closed, faults, isUnknown } = read;
  if (faults === 0) return { rules, findings: found.list(), valid: true };
  return {
    rules: [],
    findings: found.list(),
    valid: false,
    standIns: { right, closed },
    ...(isUnknown && !isObject && { isUnknown }),
  };
}

/** What was read of a text so far. */
interface ReadSoFar extends Record<keyof StandIns, PolicyRule[]> {
  readonly rules: Rule[];
  /** Reports that keep the text from use. */
  faults: number;
  isUnknown: boolean;
  /** Something was no object of any kind. */
  isOdd: boolean;
  /** Nodes that may still be read of policies with a fault. */
  budget: number;
}

function closeText(read: ReadSoFar, text: string, position: Position, mayBeAny = true): void {
  const { closed, isUnknown } = closedPoliciesIn(text, position);
  read.closed.push(...closed);
  read.isUnknown ||= isUnknown && mayBeAny;
}

function readDocuments(file: string, isObject: boolean, text: string, read: ReadSoFar, report: Report): void {
  const lines = new LineCounter();
  const options = { uniqueKeys: true, lineCounter: lines };
  const documents = text.length > MAX_FILE_BYTES ? [] : readYamlDocuments(text, options, MAX_YAML);
  if (text.length > MAX_FILE_BYTES || documents.length > MAX_DOCUMENTS) {
    const limits = `${MAX_FILE_BYTES} bytes or ${MAX_DOCUMENTS} documents`;
    const position = positionOf(undefined, { file, isObject, lines });
    report("TR0216", position, `${file} is over the limit of ${limits}`);
    closeText(read, text, position);
    return;
  }
  for (const document of documents) {
    for (const error of [...document.errors, ...document.warnings]) {
      const { line, col } = lines.linePos(error.pos[0]);
      report(
        "TR0202",
        { file, line: Math.max(1, line), column: Math.max(1, col) },
        firstLine(describeYamlFault(error, text)),
      );
    }
    const context = { file, isObject, lines, report, budget: MAX_NODES };
    const [from, , to] = document.range;
    if (document.errors.length > 0) {
      closeText(read, text.slice(from, to), positionOf(document, context));
      continue;
    }
    const fault = (node: unknown, problem: string) => report("TR0202", positionOf(node, context), problem);
    read.isOdd = false;
    readTop(resolveAliases(document.contents, fault), read, context, 0);
    if (read.isOdd)
      closeText(read, text.slice(from, to), positionOf(document.contents, context), !isMap(document.contents));
  }
}

function readTop(node: unknown, read: ReadSoFar, context: ReadContext, depth: number): void {
  if (node === null || (isScalar(node) && node.value === null)) return;
  const { report } = context;
  const kind = isMap(node) ? node.get("kind") : undefined;
  if (!isMap(node) || typeof kind !== "string") {
    const what = isMap(node)
      ? "object has no kind, such as VirtualService"
      : "document is no object with apiVersion and kind";
    report("TR0203", positionOf(node, context), what);
    read.isOdd = true;
    return;
  }
  const items = node.get("items", true);
  if (kind.endsWith("List") && isSeq(items) && depth === 0) {
    for (const item of items.items) readTop(item, read, context, depth + 1);
  } else if (isApplied(kind)) {
    const { apiVersion, apiVersions, shape } = formOf(kind);
    const faultsBefore = read.faults;
    const said = node.get("apiVersion");
    if (typeof said === "string" && !apiVersion.test(said)) {
      const position = positionOf(node.get("apiVersion", true), context);
      report("TR0209", position, `apiVersion of a ${kind} must be ${apiVersions}`);
    }
    reportAnnotations(kind, node, context);
    const whole = readNode(node, shape, kind, context);
    const rule = whole === undefined ? undefined : toRule(kind, whole as WholeObject, report);
    if (rule !== undefined) read.rules.push(rule);
    if (isPolicyKind(kind)) {
      if (rule !== undefined && read.faults === faultsBefore) read.right.push(rule as PolicyRule);
      else closeObject(kind, node, read, context);
    }
  } else {
    reportOtherKind(kind, positionOf(node.get("kind", true), context), report);
  }
}

/** What stands in for a policy with a fault. Where that is for is not known if its metadata can't be read. */
function closeObject(kind: PolicyRule["kind"], node: YAMLMap, read: ReadSoFar, context: ReadContext): void {
  const { metadata: aboutIt, spec: what } = POLICY_KINDS[kind].shape.fields as Record<string, { shape: ObjectShape }>;
  const { value, wrong } = salvage(node.get("metadata", true), aboutIt!.shape, { ...context, budget: MAX_METADATA });
  const { name = UNNAMED, namespace, annotations } = value as Partial<WholeObject["metadata"]>;
  const isMisspelt = [...wrong].some((field) => field === "namespace" || !Object.hasOwn(aboutIt!.shape.fields, field));
  if (!isMap(node.get("metadata")) || (namespace === undefined && isMisspelt)) read.isUnknown = true;
  const once = { ...context, budget: read.budget };
  const spec = salvage(node.get("spec", true), what!.shape, once);
  read.budget = once.budget;
  const where = { namespace: namespace ?? "default", position: positionOf(node, context) };
  read.closed.push(closedPolicy({ kind, name, ...where, spec, isTrial: isTrial(annotations) }));
}

function isGatewayApiKind(kind: string): kind is GatewayRoute["kind"] {
  return Object.hasOwn(GATEWAY_API_KINDS, kind);
}

function isPolicyKind(kind: string): kind is PolicyRule["kind"] {
  return Object.hasOwn(POLICY_KINDS, kind);
}

/** What an object of a kind must be, as a whole. */
interface KindForm {
  readonly apiVersion: RegExp;
  /** What {@link apiVersion} takes, in words. */
  readonly apiVersions: string;
  readonly shape: ObjectShape;
}

function isApplied(kind: string): kind is Rule["kind"] {
  return (
    isNetworkingKind(kind) ||
    kind === "RestMapping" ||
    kind === "MetaRouter" ||
    isGatewayApiKind(kind) ||
    isPolicyKind(kind)
  );
}

function formOf(kind: Rule["kind"]): KindForm {
  if (isPolicyKind(kind)) return POLICY_KINDS[kind];
  if (isGatewayApiKind(kind)) return { ...GATEWAY_API, shape: GATEWAY_API_KINDS[kind].shape };
  if (kind === "MetaRouter") return { ...AERAKI, shape: META_ROUTER };
  return { ...(kind === "RestMapping" ? OWN : NETWORKING), shape: KINDS[kind] };
}

function reportOtherKind(kind: string, position: Position, report: Report): void {
  const meant = meantBy(kind, [
    ...Object.keys(KINDS),
    ...Object.keys(POLICY_KINDS),
    ...Object.keys(GATEWAY_API_KINDS),
    "MetaRouter",
  ]);
  report("TR0204", position, `objects of kind ${quote(kind)} are not applied as rules; this one is left out${meant}`);
}

interface WholeObject extends Located {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
  } & ObjectMetadata;
  readonly spec: Located & Record<string, unknown>;
}

function toRule(kind: Rule["kind"], { at, metadata, spec = { at } }: WholeObject, report: Report): Rule {
  const identity = {
    at: { position: at.position, fields: spec.at.fields },
    name: metadata.name,
    namespace: metadata.namespace ?? "default",
    createdAtMs: metadata.creationTimestamp === undefined ? undefined : Date.parse(metadata.creationTimestamp),
  };
  if (isPolicyKind(kind))
    return { kind, ...identity, ...POLICY_KINDS[kind].read(spec, metadata, report) } as PolicyRule;
  if (isGatewayApiKind(kind))
    return { kind, ...identity, ...GATEWAY_API_KINDS[kind].read(spec, identity.namespace, report) };
  if (kind === "MetaRouter") return { kind, ...identity, ...readMetaRouter(spec) };
  if (kind === "RestMapping") return { kind, ...identity, ...readRestSpec(spec) };
  return { kind, ...identity, ...readNetworking(kind, spec, metadata, report) } as Rule;
}

function firstLine(message: string): string {
  const line = message.split("\n", 1)[0]!;
  return line.charAt(0).toLowerCase() + line.slice(1);
}
