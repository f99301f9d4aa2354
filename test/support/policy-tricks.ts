import type { DubboLine } from "./dubbo.ts";
import { type DubboTrick, genericTrick, type TripleTrick } from "./trick-calls.ts";

/** Ways to call `note` of com.acme.OrderService, group g, version 1.0.0, with one argument, as real providers were seen to take them. */

const SERVICE = "com.acme.OrderService";
const NAMED = { group: "g", version: "1.0.0" };
const FIELDS = { "tri-service-group": "g", "tri-service-version": "1.0.0" };
const STRING = ["java.lang.String"];
const GENERIC_TYPES = ["java.lang.String", "[Ljava.lang.String;", "[Ljava.lang.Object;"];

/** A way to call it over Dubbo2 or Triple. */
export interface Trick<T> {
  readonly name: string;
  readonly trick: (key: string) => T;
  /** Lines whose provider calls it. */
  readonly works: readonly DubboLine[];
  /** What a proxy that denies the method answers; undefined where the provider is the one that refuses. */
  readonly status?: number;
}

const ALL: readonly DubboLine[] = ["2.6", "2.7", "3.2", "3.3"];
const OLD: readonly DubboLine[] = ["2.6", "2.7"];
const NOBODY: readonly DubboLine[] = [];
const TRIPLE: readonly DubboLine[] = ["3.2", "3.3"];

/** Over Dubbo2. */
export const dubboTricks: readonly Trick<DubboTrick>[] = [
  { name: "an honest call", trick: (key) => ({ ...NAMED, args: [key] }), works: ALL, status: 20 },
  generic("a generic call", "note", STRING, ALL, 20),
  generic("a generic call with a blank before the name", " note", STRING, ALL, 40),
  generic("a generic call with a blank behind it", "note ", STRING, ALL, 40),
  generic("a generic call with a zero before it", "\0note", STRING, ALL, 40),
  generic("the same asynchronously", " note", STRING, ["2.7", "3.2", "3.3"], 40, "$invokeAsync"),
  generic("a generic call whose type has the end of the name", "no", ["tejava.lang.String"], OLD, 20),
  generic("a generic call whose name has the beginning of the type", "notejava", [".lang.String"], OLD, 40),
  { name: "a method in another case", trick: (key) => ({ ...NAMED, method: "Note", args: [key] }), works: NOBODY },
  {
    name: "group and version in the service's name",
    trick: (key) => ({ service: `g/${SERVICE}:1.0.0`, args: [key] }),
    works: OLD,
    status: 40,
  },
  {
    name: "the version in the service's name",
    trick: (key) => ({ service: `${SERVICE}:1.0.0`, group: "g", args: [key] }),
    works: ["2.6"],
    status: 40,
  },
  {
    name: "the group in the service's name",
    trick: (key) => ({ service: `g/${SERVICE}`, version: "1.0.0", args: [key] }),
    works: ["2.6"],
    status: 20,
  },
  {
    name: "another service, and this one as its path",
    trick: (key) => ({ ...NAMED, service: "com.acme.Other", args: [key], attachments: { path: SERVICE } }),
    works: ["2.6"],
    status: 40,
  },
  {
    name: "the same behind a parameter type that is none, which providers do not count",
    trick: (key) => ({
      ...NAMED,
      service: "com.acme.Other",
      descriptor: "L-a;Ljava/lang/String;",
      args: [key],
      attachments: { path: SERVICE },
    }),
    works: ["2.6"],
    status: 40,
  },
  {
    name: "another service, and this one as its interface",
    trick: (key) => ({ ...NAMED, service: "com.acme.Other", args: [key], attachments: { interface: SERVICE } }),
    works: NOBODY,
  },
];

function generic(
  name: string,
  method: string,
  types: readonly string[],
  works: readonly DubboLine[],
  status: number,
  by?: string,
): Trick<DubboTrick> {
  return { name, trick: (key) => ({ ...NAMED, ...genericTrick(method, types, [key], by) }), works, status };
}

/** Over Triple. */
export const tripleTricks: readonly Trick<TripleTrick>[] = [
  path("an honest call", `/${SERVICE}/note`, TRIPLE, 7),
  path("a capital", `/${SERVICE}/Note`, TRIPLE, 7),
  path("the version in the path", `/${SERVICE}:1.0.0/note`, TRIPLE, 3, { "tri-service-group": "g" }),
  path("group and version in the path", `/g/${SERVICE}:1.0.0/note`, ["3.3"], 3, {}),
  path("a version that nobody serves", `/${SERVICE}/note`, TRIPLE, 7, { ...FIELDS, "tri-service-version": "9" }),
  path("two versions", `/${SERVICE}/note`, TRIPLE, 3, { ...FIELDS, "tri-service-version": ["1.0.0", "9"] }),
  path("a slash behind it", `/${SERVICE}/note/`, ["3.2"], 12),
  path("two slashes", `//${SERVICE}/note`, NOBODY, 3),
  path("a query", `/${SERVICE}/note?x`, NOBODY, 7),
  path("a query with a slash", `/${SERVICE}/notes?/note`, NOBODY),
  path("a fragment", `/${SERVICE}/note#x`, NOBODY, 3),
  path("an escaped letter", `/${SERVICE}/n%6fte`, NOBODY, 3),
  path("a parameter", `/${SERVICE}/note;x=1`, NOBODY, 3),
  path("a dot behind it", `/${SERVICE}/note.`, NOBODY, 3),
  path("a way up", `/x/../${SERVICE}/note`, NOBODY, 3),
  invoke("a generic call", "note", TRIPLE, 7),
  invoke("a generic call with a blank before the name", " note", TRIPLE, 3),
  invoke("a generic call with a zero behind it", "note\0", TRIPLE, 3),
  invoke("a generic call whose wrapper names no types", "note", TRIPLE, 3, []),
];

function path(
  name: string,
  target: string,
  works: readonly DubboLine[],
  status?: number,
  headers: TripleTrick["headers"] = FIELDS,
): Trick<TripleTrick> {
  const trick = (key: string) => ({ path: target, headers, args: [key] });
  return { name, trick, works, ...(status !== undefined && { status }) };
}

function invoke(
  name: string,
  method: string,
  works: readonly DubboLine[],
  status: number,
  types: readonly string[] = GENERIC_TYPES,
): Trick<TripleTrick> {
  const headers = { ...FIELDS, generic: "true" };
  const trick = (key: string) => {
    const { args } = genericTrick(method, STRING, [key]);
    return { path: `/${SERVICE}/$invoke`, headers, types, args };
  };
  return { name, trick, works, status };
}

/** As JSON over plain HTTP, which 3.3 serves. */
export const jsonTricks: readonly {
  readonly name: string;
  readonly path: string;
  readonly works: boolean;
  readonly status?: number;
  readonly fields?: Readonly<Record<string, string>>;
}[] = [
  { name: "an honest call", path: `/${SERVICE}/note`, works: true, status: 403 },
  { name: "with the signature of an overload", path: `/${SERVICE}/note~S`, works: true, status: 403 },
  { name: "as a file's name", path: `/${SERVICE}/note.json`, works: true, status: 400 },
  { name: "a slash behind it", path: `/${SERVICE}/note/`, works: true, status: 404 },
  { name: "two slashes", path: `//${SERVICE}/note`, works: true, status: 400 },
  { name: "two slashes within", path: `/${SERVICE}//note`, works: true, status: 404 },
  { name: "a way up", path: `/x/../${SERVICE}/note`, works: true, status: 400 },
  { name: "a way up from the service", path: `/${SERVICE}/x/../note`, works: true, status: 400 },
  { name: "a way to the same place", path: `/./${SERVICE}/note`, works: true, status: 400 },
  { name: "a way to the same place behind it", path: `/${SERVICE}/note/.`, works: true, status: 400 },
  { name: "a fragment", path: `/${SERVICE}/note#x`, works: true, status: 400 },
  { name: "a capital", path: `/${SERVICE}/Note`, works: false, status: 403 },
  { name: "an escaped letter", path: `/${SERVICE}/n%6fte`, works: false, status: 400 },
  { name: "an escaped slash", path: `/${SERVICE}%2fnote`, works: false, status: 404 },
  { name: "a parameter", path: `/${SERVICE}/note;x=1`, works: false, status: 400 },
  { name: "a dot behind it", path: `/${SERVICE}/note.`, works: false, status: 400 },
  { name: "a blank behind it", path: `/${SERVICE}/note%20`, works: false, status: 400 },
  { name: "a zero behind it", path: `/${SERVICE}/note%00`, works: false, status: 400 },
  { name: "a backslash", path: `/${SERVICE}\\note`, works: false, status: 404 },
  {
    name: "the path in other fields",
    path: `/${SERVICE}/notes`,
    works: false,
    fields: { ...FIELDS, "x-original-url": `/${SERVICE}/note`, "x-rewrite-url": `/${SERVICE}/note` },
  },
];
