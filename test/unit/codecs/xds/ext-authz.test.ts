import { expect, test } from "vitest";
import { type CheckedCall, decodeCheck, encodeCheck } from "../../../../src/codecs/xds/ext-authz.ts";
import { decodeMessage, encodeMessage } from "../../../../src/codecs/xds/resource-bytes.ts";
import { xdsMessage } from "../../../../src/codecs/xds/types.ts";

// Against Envoy's own descriptors, which know nothing of this codec.
const request = () => xdsMessage("envoy.service.auth.v3.CheckRequest");
const response = () => xdsMessage("envoy.service.auth.v3.CheckResponse");

const call: CheckedCall = {
  source: { address: "10.0.0.9", port: 4711, principal: "spiffe://cluster.local/ns/shop/sa/web" },
  serverName: "orders.shop",
  service: "com.acme.orders",
  timeMs: 1_700_000_000_250,
  method: "POST",
  headers: new Map([
    ["user", "Änn"],
    ["dubbo-group", "g"],
  ]),
  path: "/com.acme.Orders/get",
  host: "com.acme.orders",
  scheme: "http",
  query: "a=1",
  size: 300,
  protocol: "dubbo",
};

test("a call is told with all that is known of it", () => {
  const json = decodeMessage(request(), encodeCheck(call));
  expect(json).toEqual({
    attributes: {
      source: {
        address: { socketAddress: { address: "10.0.0.9", portValue: 4711 } },
        principal: "spiffe://cluster.local/ns/shop/sa/web",
      },
      destination: { service: "com.acme.orders" },
      request: {
        time: "2023-11-14T22:13:20.250Z",
        http: {
          method: "POST",
          headers: { user: "Änn", "dubbo-group": "g" },
          path: "/com.acme.Orders/get?a=1",
          host: "com.acme.orders",
          scheme: "http",
          query: "a=1",
          size: "300",
          protocol: "dubbo",
        },
      },
      tlsSession: { sni: "orders.shop" },
    },
  });
});

test.each([
  ["as text", false, { body: "héllo" }],
  ["as bytes", true, { rawBody: Buffer.from("héllo").toString("base64") }],
])("content is shown %s", (_name, asBytes, shown) => {
  const json = decodeMessage(request(), encodeCheck({ ...call, body: { bytes: Buffer.from("héllo"), asBytes } }));
  expect(json).toMatchObject({ attributes: { request: { http: shown } } });
});

const decode = (json: object) => decodeCheck(encodeMessage(response(), json as never));

test.each([
  ["nothing at all allows", {}, { allowed: true, headers: [], remove: [], answerHeaders: [] }],
  [
    "changes of the call and of its answer",
    {
      status: { code: 0 },
      okResponse: {
        headers: [
          { header: { key: "x-user", value: "ann" } },
          { header: { key: "x-role", value: "a" }, append: true },
          { header: { key: "x-raw", rawValue: Buffer.from("r").toString("base64") } },
        ],
        headersToRemove: ["cookie"],
        responseHeadersToAdd: [{ header: { key: "x-checked", value: "yes" } }],
        dynamicMetadata: { a: 1 },
      },
      dynamicMetadata: { b: { c: [1, "x"] } },
    },
    {
      allowed: true,
      headers: [
        { name: "x-user", value: "ann", append: false },
        { name: "x-role", value: "a", append: true },
        { name: "x-raw", value: "r", append: false },
      ],
      remove: ["cookie"],
      answerHeaders: [{ name: "x-checked", value: "yes", append: false }],
    },
  ],
  ["a status alone denies by 403", { status: { code: 7 } }, { allowed: false, http: 403, headers: [], body: "" }],
  [
    "a denial in the server's words",
    {
      status: { code: 16, message: "who are you?" },
      deniedResponse: {
        status: { code: "Unauthorized" },
        headers: [{ header: { key: "www-authenticate", value: "Bearer" } }],
        body: "log in",
      },
    },
    {
      allowed: false,
      http: 401,
      headers: [{ name: "www-authenticate", value: "Bearer", append: false }],
      body: "log in",
    },
  ],
  [
    "a denial under a status that is no answer is one by 403",
    { status: { code: 7 }, deniedResponse: { status: { code: 101 } } },
    { allowed: false, http: 403, headers: [], body: "" },
  ],
  [
    "a denial under a status of success is allowed, as Envoy has it",
    { status: { code: 0 }, deniedResponse: { body: "no" } },
    { allowed: true, headers: [], remove: [], answerHeaders: [] },
  ],
])("%s", (_name, json, answer) => expect(decode(json)).toEqual(answer));

const whole = encodeMessage(response(), {
  status: { code: 7 },
  deniedResponse: { status: { code: "Forbidden" }, body: "no" },
});

test.each(Array.from({ length: whole.length - 1 }, (_, i) => i + 1))("cut off after %i bytes", (length) => {
  // A message that ends behind a field is a message: only a cut through one is a fault.
  try {
    expect(decodeCheck(whole.subarray(0, length)).allowed).toBe(false);
  } catch (error) {
    expect(String(error)).toMatch(/bytes are no CheckResponse/);
  }
});

test.each([
  ["a message in place of a number", [0x08 | 2, 0x00]],
  ["a field that goes on behind its message", [0x12, 0x02, 0x1a, 0x7f]],
  ["a length that is a lie", [0x12, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ["a number where a message is", [0x10, 0x01]],
  ["a field number 0", [0x00, 0x01]],
])("%s is refused or left out", (_name, bytes) => {
  try {
    expect(decodeCheck(Buffer.from(bytes)).allowed).toBe(true);
  } catch (error) {
    expect(String(error)).toMatch(/bytes are no CheckResponse/);
  }
});
