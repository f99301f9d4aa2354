import { createHash } from "node:crypto";
import { ProtocolError } from "../../base/errors.ts";
import type { JsonNode } from "../../codecs/json-text.ts";
import { encodeFields, FieldCursor, WIRE_BYTES, WIRE_VARINT } from "../../codecs/triple/protobuf.ts";
import { fieldOf, isObject, type MapEntry, mapValue, objectValue, type Value } from "../../codecs/value.ts";
import type { ApplicationService } from "../../model/application.ts";
import { printServiceKey, serviceKey } from "../../model/service.ts";
import { compareText } from "../dubbo/endpoint.ts";
import { interfaceOf, param, parseDubboUrl } from "../dubbo/url.ts";
import { MAX_ENTRIES, objectIn, portOf, textOf, textsOf } from "./json.ts";

/**
 * MetadataInfo: what a revision of an application offers, in the three forms in which it travels (apache/dubbo 3.3 MetadataInfo.java,
 * metadata_service_v2.proto).
 *
 * | form | where |
 * |---|---|
 * | JSON `{app, revision, services: {matchKey: {name, group, version, protocol, port, path, params}}}` | metadata centre |
 * | a Java object of the same fields | answer of `MetadataService.getMetadataInfo` |
 * | protobuf `{app=1, version=2 (the revision), services=3: map}`, service `{name=1, group=2, version=3, protocol=4, port=5, path=6, params=7}` | answer of `MetadataServiceV2/GetMetadataInfo` |
 */

/** The interface that instances answer for their metadata under; group is the application. */
export const METADATA_SERVICE = "org.apache.dubbo.metadata.MetadataService";
/** Its protobuf form, of 3.3. */
export const METADATA_SERVICE_V2 = "org.apache.dubbo.metadata.MetadataServiceV2";
/** Its class in Java's form. */
export const METADATA_INFO_CLASS = "org.apache.dubbo.metadata.MetadataInfo";
const SERVICE_INFO_CLASS = `${METADATA_INFO_CLASS}$ServiceInfo`;

/** What a revision of an application offers. */
export interface MetadataInfo {
  readonly application: string;
  readonly revision: string;
  /** Sorted by service and protocol; MetadataService itself is not among them. */
  readonly services: readonly ApplicationService[];
}

/** Reads the metadata centre's form; undefined where the text is none. Never throws. */
export function parseMetadataInfo(text: string): MetadataInfo | undefined {
  const node = objectIn(text);
  const services = node?.get("services");
  if (node === undefined || !(services instanceof Map)) return undefined;
  const read: (ApplicationService | undefined)[] = [];
  for (const [, one] of services) {
    if (read.length >= MAX_ENTRIES) break;
    if (one instanceof Map) read.push(serviceOf((name) => one.get(name), textsOf(one.get("params"))));
  }
  return infoOf(textOf(node.get("app")), textOf(node.get("revision")), read);
}

/** Reads the Java form; undefined for null and for everything else that is no MetadataInfo. Never throws. */
export function metadataInfoOf(value: Value): MetadataInfo | undefined {
  const fields = fieldsIn(value);
  const services = fields === undefined ? undefined : entriesIn(fields("services") ?? null);
  if (fields === undefined || services === undefined) return undefined;
  const read = services.slice(0, MAX_ENTRIES).map(([, one]) => {
    const of = fieldsIn(one);
    if (of === undefined) return undefined;
    const params: Record<string, string> = Object.create(null);
    for (const [key, text] of (entriesIn(of("params") ?? null) ?? []).slice(0, MAX_ENTRIES)) {
      if (typeof key === "string" && typeof text === "string") params[key] = text;
    }
    return serviceOf((name) => plainNode(of(name)), params);
  });
  return infoOf(textOf(plainNode(fields("app"))), textOf(plainNode(fields("revision"))), read);
}

/** Reads the protobuf form; undefined where the bytes are none. Never throws. */
export function decodeMetadataInfo(bytes: Buffer): MetadataInfo | undefined {
  try {
    const top = new FieldCursor(bytes);
    const read: (ApplicationService | undefined)[] = [];
    let app = "";
    let revision = "";
    while (top.next()) {
      if (top.wire !== WIRE_BYTES) continue;
      if (top.field === 1) app = top.text();
      else if (top.field === 2) revision = top.text();
      else if (top.field === 3 && read.length < MAX_ENTRIES) {
        const service = valueOfEntry(top.content());
        if (service !== undefined) read.push(decodeService(service));
      }
    }
    return infoOf(app, revision, read);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/**
 * Reads what `MetadataService.getExportedURLs` answers (2.7): a collection of the URLs that a process exports, as they would be
 * registered. Undefined where it is none. Never throws.
 */
export function exportedUrlsOf(value: Value, application: string, revision: string): MetadataInfo | undefined {
  const isList = value !== null && typeof value === "object" && !(value instanceof Uint8Array) && value.type === "list";
  if (!isList) return undefined;
  const services = value.items.slice(0, MAX_ENTRIES).map((text) => {
    const reading = typeof text === "string" ? parseDubboUrl(text) : undefined;
    if (reading?.type !== "url") return undefined;
    const { protocol, port, path, params } = reading.url;
    const said: Record<string, string> = {
      ...{ name: interfaceOf(reading.url), protocol, port: String(port), path },
      ...{ group: param(reading.url, "group"), version: param(reading.url, "version") },
    };
    return serviceOf((name) => said[name], params);
  });
  return infoOf(application, revision, services);
}

/** The metadata centre's form. */
export function printMetadataInfo(info: MetadataInfo): string {
  return JSON.stringify({
    app: info.application,
    revision: info.revision,
    services: Object.fromEntries(
      info.services.map(({ service, protocol, port, path, params }) => [
        matchKeyOf({ service, protocol }),
        {
          ...(service.group !== "" && { group: service.group }),
          name: service.interface,
          params: { ...params },
          path,
          port,
          protocol,
          ...(service.version !== "" && { version: service.version }),
        },
      ]),
    ),
  });
}

/** The Java form, with the fields that hessian-lite writes of 3.x. */
export function metadataInfoValue(info: MetadataInfo): Value {
  const services = info.services.map(
    (one): MapEntry => [
      matchKeyOf(one),
      objectValue(SERVICE_INFO_CLASS, [
        ["name", one.service.interface],
        ["group", one.service.group || null],
        ["version", one.service.version || null],
        ["protocol", one.protocol],
        ["port", one.port],
        ["path", one.path],
        ["params", mapValue(Object.entries(one.params), null)],
      ]),
    ],
  );
  return objectValue(METADATA_INFO_CLASS, [
    ["app", info.application],
    ["revision", info.revision],
    ["services", mapValue(services, null)],
  ]);
}

/** The protobuf form. */
export function encodeMetadataInfo(info: MetadataInfo): Buffer {
  return encodeFields([
    [1, info.application],
    [2, info.revision],
    ...info.services.map((one) => {
      const { service, protocol, port, path, params } = one;
      // A varint field has no writer of its own here: its tag and value are put between the others.
      const head = encodeFields([
        [1, service.interface],
        [2, service.group],
        [3, service.version],
        [4, protocol],
      ]);
      const tail = encodeFields([
        [6, path],
        ...Object.entries(params).map(([key, text]) => [7, entryBytes(key, text)] as const),
      ]);
      const body = Buffer.concat([head, Buffer.from([5 << 3, ...varint(port)]), tail]);
      return [3, entryBytes(matchKeyOf(one), body)] as const;
    }),
  ]);
}

/** The protobuf question for a revision. */
export function encodeMetadataRequest(revision: string): Buffer {
  return encodeFields([[1, revision]]);
}

/** Under which key a service stands in its MetadataInfo: `group/interface:version:protocol`. */
export function matchKeyOf({ service, protocol }: Pick<ApplicationService, "service" | "protocol">): string {
  return `${printServiceKey(service)}:${protocol}`;
}

/**
 * A revision for what an application offers: 32 hex digits that depend on all that is said, so that consumers, who keep the answer for a
 * revision for ever, never hold two different ones under one name.
 */
export function revisionOf(application: string, services: readonly ApplicationService[]): string {
  const hash = createHash("md5").update(JSON.stringify(application));
  for (const one of services) {
    const params = Object.entries(one.params).sort(([a], [b]) => compareText(a, b));
    hash.update(JSON.stringify([matchKeyOf(one), one.port, one.path, params]));
  }
  return hash.digest("hex");
}

function infoOf(
  application: string,
  revision: string,
  services: readonly (ApplicationService | undefined)[],
): MetadataInfo {
  const known = new Map<string, ApplicationService>();
  for (const one of services) {
    if (one !== undefined && one.service.interface !== METADATA_SERVICE) known.set(matchKeyOf(one), one);
  }
  const sorted = [...known].sort(([a], [b]) => compareText(a, b)).map(([, one]) => one);
  return { application, revision, services: Object.freeze(sorted) };
}

function serviceOf(
  get: (name: string) => JsonNode | undefined,
  params: Readonly<Record<string, string>>,
): ApplicationService | undefined {
  const name = textOf(get("name"));
  const protocol = textOf(get("protocol"));
  if (name === "" || name.length > 1_024 || !/^[a-z][a-z0-9+.-]{0,31}$/i.test(protocol)) return undefined;
  return Object.freeze({
    service: serviceKey(name, textOf(get("group")), textOf(get("version"))),
    protocol,
    port: portOf(get("port")),
    path: textOf(get("path")) || name,
    params,
  });
}

function fieldsIn(value: Value): ((name: string) => Value | undefined) | undefined {
  if (isObject(value)) return (name) => fieldOf(value, name);
  const entries = entriesIn(value);
  // A generic answer, and dubbo-go's older ones, come as a map.
  return entries && ((name) => entries.find(([key]) => key === name)?.[1]);
}

function entriesIn(value: Value): readonly MapEntry[] | undefined {
  const isMap = value !== null && typeof value === "object" && !(value instanceof Uint8Array) && value.type === "map";
  return isMap ? value.entries : undefined;
}

function plainNode(value: Value | undefined): JsonNode | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" ? String(value) : undefined;
}

function decodeService(bytes: Buffer): ApplicationService | undefined {
  const fields = new Map<string, string>();
  const params: Record<string, string> = Object.create(null);
  const names = ["", "name", "group", "version", "protocol", "port", "path"];
  const cursor = new FieldCursor(bytes);
  let left = MAX_ENTRIES;
  while (cursor.next()) {
    if (cursor.field === 7 && cursor.wire === WIRE_BYTES && left-- > 0) {
      const entry = new FieldCursor(cursor.content());
      let key = "";
      let text = "";
      while (entry.next()) {
        if (entry.field === 1 && entry.wire === WIRE_BYTES) key = entry.text();
        if (entry.field === 2 && entry.wire === WIRE_BYTES) text = entry.text();
      }
      params[key] = text;
    } else if (cursor.field === 5 && cursor.wire === WIRE_VARINT) fields.set("port", String(cursor.int32()));
    else if (cursor.wire === WIRE_BYTES && names[cursor.field] !== undefined)
      fields.set(names[cursor.field]!, cursor.text());
  }
  return serviceOf((name) => fields.get(name), params);
}

function valueOfEntry(bytes: Buffer): Buffer | undefined {
  const cursor = new FieldCursor(bytes);
  let value: Buffer | undefined;
  while (cursor.next()) if (cursor.field === 2 && cursor.wire === WIRE_BYTES) value = cursor.content();
  return value;
}

function entryBytes(key: string, value: string | Buffer): Buffer {
  return encodeFields([
    [1, key],
    [2, value],
  ]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}
