import { describe, expect, test } from "vitest";
import {
  type DubboUrl,
  decodedParam,
  decodeOnce,
  encodeName,
  interfaceOf,
  isIpv4,
  isIpv6,
  MAX_URL_LENGTH,
  MAX_URL_PARAMS,
  param,
  parseDubboUrl,
  parseNodeName,
  pathFrom,
  printDubboUrl,
  printNodeName,
} from "../../../../src/registry-sync/dubbo/url.ts";
import fc from "../../../support/fast-check.ts";

function urlOf(text: string): DubboUrl {
  const reading = parseDubboUrl(text);
  if (reading.type === "fault") throw new Error(reading.message);
  return reading.url;
}

function faultOf(text: string): string {
  const reading = parseDubboUrl(text);
  return reading.type === "fault" ? reading.message : "no fault";
}

test("a node name gives protocol, address, path and parameters", () => {
  const name =
    "dubbo%3A%2F%2F10.0.0.1%3A20880%2Fcom.foo.Bar%3Fapplication%3Dp%26interface%3Dcom.foo.Bar%26methods%3Dsay%2Cadd%26side%3Dprovider%26version%3D1.0.0";
  const reading = parseNodeName(name);
  expect(reading).toEqual({
    type: "url",
    url: {
      protocol: "dubbo",
      host: "10.0.0.1",
      port: 20880,
      path: "com.foo.Bar",
      params: { application: "p", interface: "com.foo.Bar", methods: "say,add", side: "provider", version: "1.0.0" },
    },
  });
  expect(reading.type === "url" && printNodeName(reading.url)).toBe(name);
});

describe("addresses", () => {
  const rows: readonly (readonly [name: string, text: string, host: string, port: number])[] = [
    ["IPv4 with a port", "dubbo://10.0.0.1:20880/a.B", "10.0.0.1", 20880],
    ["a consumer without a port", "consumer://10.0.0.1/a.B", "10.0.0.1", 0],
    ["dubbo-go's consumer without a host", "consumer:///a.B?x=1", "", 0],
    ["a host name", "dubbo://order-0.order:20880/a.B", "order-0.order", 20880],
    ["user and password are left out", "dubbo://u:p@10.0.0.1:20880/a.B", "10.0.0.1", 20880],
    ["IPv6 in brackets", "dubbo://[2001:db8::1]:20880/a.B", "2001:db8::1", 20880],
    ["IPv6 in brackets without a port", "consumer://[::1]/a.B", "::1", 0],
    ["bare IPv6, last group is the port", "dubbo://2001:db8:0:0:0:0:0:1:20880/a.B", "2001:db8:0:0:0:0:0:1", 20880],
    ["bare short IPv6", "dubbo://fe80::1:20880/a.B", "fe80::1", 20880],
    ["bare IPv6 of a consumer", "consumer://2001:db8:0:0:0:0:0:1/a.B", "2001:db8:0:0:0:0:0:1", 0],
    ["IPv6 with a scope", "dubbo://[fe80::1%eth0]:20880/a.B", "fe80::1%eth0", 20880],
  ];
  test.each(rows)("%s", (_name, text, host, port) => {
    expect(urlOf(text)).toMatchObject({ host, port, path: "a.B" });
  });
});

test("a path may hold a context path, and may be missing", () => {
  expect(interfaceOf(urlOf("dubbo://h:1/ctx/v1/a.B"))).toBe("a.B");
  expect(interfaceOf(urlOf("dubbo://h:1/ctx/a.B?interface=a.C"))).toBe("a.C");
  expect(urlOf("dubbo://h:1?interface=a.C").path).toBe("");
});

test("values stay as written; a second encoding is taken off only on demand", () => {
  const reading = parseNodeName(encodeName("route://0.0.0.0/a.B?rule=%E6%9D%AD%26x%3D1&name=a+b"));
  const url = (reading as { url: DubboUrl }).url;
  expect(url.params["rule"]).toBe("%E6%9D%AD%26x%3D1");
  expect(decodedParam(url, "rule")).toBe("杭&x=1");
  expect(url.params["name"]).toBe("a+b");
});

test("a value whose second decoding fails is kept raw", () => {
  expect(decodedParam(urlOf("dubbo://h:1/a?rate=100%"), "rate")).toBe("100%");
});

test("plus in a node name is a space", () => {
  expect(decodeOnce("a+b%2Bc")).toBe("a b+c");
});

test("a key without = has itself as its value, empty pairs are skipped, the last of two wins", () => {
  expect(urlOf("dubbo://h:1/a?flag&&x=1&empty=&x=2&=lost").params).toEqual({ flag: "flag", x: "2", empty: "" });
});

test("2.6's default. forms count where the plain key is missing", () => {
  const url = urlOf("dubbo://h:1/a?default.group=g&version=1&default.version=2");
  expect([param(url, "group"), param(url, "version"), param(url, "timeout")]).toEqual(["g", "1", ""]);
});

test("keys of Object.prototype are parameters like any other", () => {
  const url = urlOf("dubbo://h:1/a?__proto__=x&constructor=y");
  expect(Object.entries(url.params)).toContainEqual(["__proto__", "x"]);
  expect(param(url, "constructor")).toBe("y");
  expect(param(url, "toString")).toBe("");
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

describe("what is no URL is a fault that says why", () => {
  const rows: readonly (readonly [name: string, text: string, message: string])[] = [
    ["no protocol", "10.0.0.1:20880", "url has no protocol"],
    ["empty", "", "url has no protocol"],
    ["protocol with a space", "du bbo://h:1/a", 'url has no usable protocol: "du bbo"'],
    ["port over 65535", "dubbo://h:65536/a", 'url has no usable port: "65536"'],
    ["negative port", "dubbo://h:-1/a", 'url has no usable port: "-1"'],
    ["port of letters", "dubbo://h:port/a", 'url has no usable port: "port"'],
    ["broken IPv6", "dubbo://[2001:zz]:1/a", 'url has no usable IPv6 address: "2001:zz"'],
    ["too many colons", "dubbo://a:b:c/x", 'url has no usable IPv6 address: "a:b:c"'],
    ["control character in the host", "dubbo://h\u0000:1/a", "url host has a character that no host has"],
    ["host over 255", `dubbo://${"h".repeat(256)}:1/a`, "url host of 256 characters is over the limit of 255"],
    ["over-long", `dubbo://h:1/${"a".repeat(MAX_URL_LENGTH)}`, "url of 65548 characters is over the limit of 65536"],
    ["too many parameters", `dubbo://h:1/a?${"k=v&".repeat(MAX_URL_PARAMS + 1)}`, "url has more than 1024 parameters"],
  ];
  test.each(rows)("%s", (_name, text, message) => {
    expect(faultOf(text)).toBe(message);
  });
});

test("a node name at the length limit is read, one over is not", () => {
  const head = "dubbo://h:1/";
  expect(parseNodeName(head + "a".repeat(MAX_URL_LENGTH - head.length)).type).toBe("url");
  expect(parseNodeName(head + "a".repeat(MAX_URL_LENGTH - head.length + 1)).type).toBe("fault");
});

test("broken percent escapes are a fault", () => {
  for (const name of ["dubbo%3A%2F%2Fh%", "%E6%9D", "%ZZ", "dubbo%3A%2F%2Fh%C3%28"]) {
    expect(parseNodeName(name)).toEqual({ type: "fault", message: "node name has a broken percent escape" });
  }
});

test("names are encoded as Java's URLEncoder does", () => {
  expect(encodeName("a b*c-d_e.f~g!h'i(j)k/l:m?n=o&p,q%杭\u{1f600}\ud800")).toBe(
    "a+b*c-d_e.f%7Eg%21h%27i%28j%29k%2Fl%3Am%3Fn%3Do%26p%2Cq%25%E6%9D%AD%F0%9F%98%80%3F",
  );
});

test("any text survives encoding and decoding", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => decodeOnce(encodeName(text)) === text));
});

test("any text gives a reading, and what was read prints to what reads the same", () => {
  const part = fc.stringMatching(/^[a-zA-Z0-9.:[\]@%?&=/+_-]{0,40}$/);
  fc.assert(
    fc.property(part, part, part, (a, b, c) => {
      const reading = parseDubboUrl(`${a}://${b}/${c}`);
      if (reading.type === "url") expect(parseDubboUrl(printDubboUrl(reading.url))).toEqual(reading);
      parseNodeName(a + b + c);
    }),
  );
});

test("a path that is named with its slash is the same path", () => {
  expect(["/a.B", "a.B", "/ctx/a.B", "//", ""].map(pathFrom)).toEqual(["a.B", "a.B", "ctx/a.B", "", ""]);
});

test("addresses are told from names", () => {
  for (const text of ["10.0.0.1", "255.255.255.255", "0.0.0.0"]) expect(isIpv4(text)).toBe(true);
  for (const text of ["256.0.0.1", "1.2.3", "1.2.3.4.", "1.2.3.4.5", "01.2.3.4", "a.b.c.d", ""])
    expect(isIpv4(text)).toBe(false);
  for (const text of ["::", "::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "fe80::1%eth0"])
    expect(isIpv6(text)).toBe(true);
  for (const text of ["", ":", "1:2:3", "1::2::3", "1:2:3:4:5:6:7:8:9", "12345::", "::1%", "g::"])
    expect(isIpv6(text)).toBe(false);
});
