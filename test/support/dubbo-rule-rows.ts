import { to } from "./rules-in-force.ts";

const uri = (match: object) => ({ match: [{ uri: match }], route: [to("v2")] });
/** A route to v2 for calls with such attachments. */
export const headers = (match: object, more: object = {}) => ({
  match: [{ headers: match, ...more }],
  route: [to("v2")],
});
const without = (match: object) => ({ match: [{ withoutHeaders: match }], route: [to("v2")] });
const argument = (name: string, match: object, method = "createOrder") =>
  headers({ [name]: match }, { method: { exact: method } });

/** A call that tells its provider: the method, its argument and its attachments. */
export type Call = readonly [method: string, arg?: unknown, attach?: Readonly<Record<string, string>>];

/** A first route to v2, before one of all else to v1. */
export interface RuleRow {
  readonly name: string;
  readonly route: object;
  /** Calls that go to v2, and calls that the rule leaves to v1. */
  readonly v2: readonly Call[];
  readonly v1: readonly Call[];
}

/** Each kind of match, with real calls on both sides of it. */
export const ruleRows: readonly RuleRow[] = [
  {
    name: "uri exact",
    route: uri({ exact: "/com.acme.OrderService/getOrder" }),
    v2: [["getOrder", 1]],
    v1: [["createOrder"], ["find", "x"]],
  },
  {
    name: "uri prefix",
    route: uri({ prefix: "/com.acme.OrderService/get" }),
    v2: [["getOrder", 1]],
    v1: [["createOrder"], ["find", "x"]],
  },
  {
    name: "uri regex, of the whole uri",
    route: uri({ regex: "/com\\.acme\\.\\w+/(find|create\\w+)" }),
    v2: [["find", 1], ["createOrder"]],
    v1: [["getOrder", 1]],
  },
  {
    name: "uri regex of a part",
    route: uri({ regex: "get" }),
    v2: [],
    v1: [["getOrder", 1]],
  },
  {
    name: "attachment exact, its name in any case",
    route: headers({ "x-lane": { exact: "blue" } }),
    v2: [
      ["getOrder", 1, { "x-lane": "blue" }],
      ["getOrder", 1, { "X-Lane": "blue" }],
    ],
    v1: [
      ["getOrder", 1],
      ["getOrder", 1, { "x-lane": "blue1" }],
      ["getOrder", 1, { "x-lane": "Blue" }],
    ],
  },
  {
    name: "attachment prefix",
    route: headers({ "x-lane": { prefix: "b" } }),
    v2: [["getOrder", 1, { "x-lane": "blue" }]],
    v1: [
      ["getOrder", 1, { "x-lane": "red" }],
      ["getOrder", 1],
    ],
  },
  {
    name: "attachment regex, of the whole value",
    route: headers({ "x-lane": { regex: "b.*[eé]" } }),
    v2: [
      ["getOrder", 1, { "x-lane": "blue" }],
      ["getOrder", 1, { "x-lane": "bø\u{1f680}é" }],
    ],
    v1: [
      ["getOrder", 1, { "x-lane": "blues" }],
      ["getOrder", 1],
    ],
  },
  {
    name: "attachment present",
    route: headers({ "x-lane": {} }),
    v2: [
      ["getOrder", 1, { "x-lane": "any" }],
      ["getOrder", 1, { "x-lane": "" }],
    ],
    v1: [["getOrder", 1]],
  },
  {
    name: "two attachments at once, or a third",
    route: {
      match: [{ headers: { "x-a": { exact: "1" }, "x-b": { exact: "2" } } }, { headers: { "x-c": { exact: "3" } } }],
      route: [to("v2")],
    },
    v2: [
      ["getOrder", 1, { "x-a": "1", "x-b": "2" }],
      ["getOrder", 1, { "x-c": "3" }],
    ],
    v1: [
      ["getOrder", 1, { "x-a": "1" }],
      ["getOrder", 1, { "x-b": "2" }],
    ],
  },
  {
    name: "without an attachment of a value",
    route: without({ "x-lane": { exact: "blue" } }),
    v2: [
      ["getOrder", 1],
      ["getOrder", 1, { "x-lane": "red" }],
    ],
    v1: [["getOrder", 1, { "x-lane": "blue" }]],
  },
  {
    name: "without an attachment",
    route: without({ "x-lane": {} }),
    v2: [["getOrder", 1]],
    v1: [["getOrder", 1, { "x-lane": "blue" }]],
  },
  { name: "dubbo-group", route: headers({ "dubbo-group": { exact: "g" } }), v2: [["getOrder", 1]], v1: [] },
  { name: "dubbo-group of another", route: headers({ "dubbo-group": { exact: "h" } }), v2: [], v1: [["getOrder", 1]] },
  { name: "dubbo-version", route: headers({ "dubbo-version": { prefix: "1." } }), v2: [["getOrder", 1]], v1: [] },
  {
    name: "dubbo-version of another",
    route: headers({ "dubbo-version": { prefix: "2." } }),
    v2: [],
    v1: [["getOrder", 1]],
  },
  {
    name: "an argument that is a long",
    route: argument("dubbo-arg-0", { exact: "5000000000" }, "getOrder"),
    v2: [["getOrder", 5_000_000_000]],
    v1: [
      ["getOrder", 5_000_000_001],
      ["find", 5_000_000_000],
    ],
  },
  {
    name: "an argument that is a text",
    route: argument("dubbo-arg-0", { regex: "é\u{1f680}+" }, "find"),
    v2: [["find", "é\u{1f680}\u{1f680}"]],
    v1: [
      ["find", "é"],
      ["find", 3],
    ],
  },
  {
    name: "a field of an argument",
    route: argument("dubbo-arg-0.customer.name", { prefix: "Ann" }),
    v2: [["createOrder", "Anna"]],
    v1: [["createOrder", "Bob"]],
  },
  {
    name: "an enum in an argument",
    route: argument("dubbo-arg-0.status", { exact: "PAID" }),
    v2: [["createOrder", 1]],
    v1: [["createOrder", 2]],
  },
  {
    name: "a decimal in an argument",
    route: argument("dubbo-arg-0.total", { exact: "12345678901234567890.123400" }),
    v2: [["createOrder", 1]],
    v1: [],
  },
  {
    name: "a date in an argument",
    route: argument("dubbo-arg-0.created", { exact: "2023-11-14T22:13:20.128Z" }),
    v2: [["createOrder", 5]],
    v1: [["createOrder", 6]],
  },
  {
    name: "a field of a list's element",
    route: argument("dubbo-arg-0.lines.1.sku", { exact: "sku-8" }),
    v2: [["createOrder", 7]],
    v1: [["createOrder", 8]],
  },
  {
    name: "a map's value in an argument",
    route: argument("dubbo-arg-0.customer.tags.tier", { exact: "gold" }),
    v2: [["createOrder", 1]],
    v1: [],
  },
  {
    name: "an argument's field that is null",
    route: argument("dubbo-arg-0.note", {}),
    v2: [["createOrder", 1]],
    v1: [["createOrder", 3]],
  },
];
