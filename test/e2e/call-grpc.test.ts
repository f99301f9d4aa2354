import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Shop, shopFolder, startShop } from "../support/grpc-shop.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { startProcess, stopAll } from "../support/process.ts";
import { type Ran, runTrestle } from "../support/trestle.ts";

// `trestle call grpc://` against servers of @grpc/grpc-js and of Node's own HTTP/2, as a person at a shell makes it.
let shop: Shop;
let silent: Shop;
const files = ["--proto", join(shopFolder, "shop.proto")];

beforeAll(async () => {
  requireNamespace();
  shop = await startShop(hosts.provider1);
  silent = await startShop(hosts.provider2, false);
});

afterAll(async () => {
  shop.stop();
  silent.stop();
  await stopAll();
});

function call(method: string, json?: string, ...options: string[]): Promise<Ran> {
  const at = [`grpc://${hosts.provider1}:${shop.port}`, method];
  return runTrestle(["call", ...at, ...(json === undefined ? [] : [json]), ...options]);
}

function callSilent(method: string, json: string, ...options: string[]): Promise<Ran> {
  return runTrestle(["call", `grpc://${hosts.provider2}:${silent.port}`, method, json, ...options]);
}

describe("a server with reflection", () => {
  test.each(["acme.Shop/Get", "acme.Shop.Get", "/acme.Shop/Get"])("is called as %s", async (method) => {
    const ran = await call(method, '{"id":"9007199254740993","note":"é"}');
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ran.stdout)).toEqual({ id: "9007199254740993", note: "é" });
  });

  // But for maps with 64-bit keys, which protobufjs 7 at the other end writes as 0.
  test("gives back every kind of value as it was", async () => {
    const order = {
      id: "-9223372036854775808",
      note: 'a"b\\n',
      lines: [{ sku: "a", count: 4_294_967_295 }, {}],
      stock: { a: 1, b: -2 },
      state: "SHIPPED",
      placedAt: "2023-11-14T22:13:20.123Z",
      cash: { currency: "EUR", units: "5", nanos: -1 },
      coupon: "",
      photo: "Af8A",
      weight: 1e300,
      codes: ["-1", "9223372036854775807"],
      serial: "18446744073709551615",
      extra: { a: [1, null, { b: true }] },
      attached: { "@type": "type.googleapis.com/acme.parts.Money", units: "3" },
      paid: true,
      price: 0.5,
      states: ["OPEN", "SHIPPED"],
    };
    const ran = await call("acme.Shop/Echo", JSON.stringify(order));
    expect(ran).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(ran.stdout)).toEqual(order);
  });

  test("is called with nothing, with a wrapper, and with metadata", async () => {
    expect(JSON.parse((await call("acme.Shop/Echo")).stdout)).toEqual({});
    expect((await call("acme.Shop/Name", '"bob"')).stdout).toBe('"bob"\n');
    const options = ["--attachment", "x-user=7", "--attachment", "X-Tag=gray", "--timeout", "4000"];
    const ran = await call("acme.Shop/Get", '{"note":"metadata"}', ...options);
    expect(JSON.parse(JSON.parse(ran.stdout).note)).toMatchObject({ "x-user": "7", "x-tag": "gray" });
  });

  test("has its streams printed as a line of JSON each", async () => {
    const watched = await call("acme.Shop/Watch", '{"note":"w","count":3}');
    expect(watched).toMatchObject({ code: 0, stderr: "" });
    expect(watched.stdout).toBe('{"note":"w"}\n{"id":"1","note":"w"}\n{"id":"2","note":"w"}\n');
    const none = await call("acme.Shop/Watch", "{}");
    expect(none).toEqual({ code: 0, stdout: "", stderr: "" });
    const table = await call("acme.Shop/Watch", '{"note":"w","count":1}', "-o", "table");
    expect(table).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("print it as json or yaml") });
    const yaml = await call("acme.Shop/Watch", '{"note":"w","count":1}', "-o", "yaml");
    expect(yaml.stdout).toMatch(/^---\n.*note: w\n$/s);
  });

  test("may be left by a reader who has had enough", async () => {
    const at = `grpc://${hosts.provider1}:${shop.port} acme.Shop/Watch '{"note":"w","count":20000}'`;
    const shell = await startProcess({
      name: "a pipe into head",
      command: "bash",
      args: ["-o", "pipefail", "-c", `"$0" dist/cli.js call ${at} | head -n 1`, process.execPath],
      ready: () => true,
    });
    expect(await shell.exited).toEqual({ code: 0, signal: null });
    expect(shell.stdout()).toBe('{"note":"w"}\n');
  });

  test("takes streams as an array, also both ways", async () => {
    const put = await call("acme.Shop/PutAll", '[{"id":"1"},{"id":"9007199254740993"}]');
    expect(JSON.parse(put.stdout)).toEqual({ count: 2, sumOfIds: "9007199254740994" });
    const talked = await call("acme.Shop/Talk", '[{"note":"a"},{"note":"b"}]');
    const notes = talked.stdout.trim().split("\n");
    expect(notes.map((line) => JSON.parse(line).note)).toEqual(["seen a", "seen b"]);
    const wrong = await call("acme.Shop/PutAll", '{"id":"1"}');
    expect(wrong).toEqual({
      code: 2,
      stdout: "",
      stderr: "trestle: PutAll takes a stream: write its messages as one JSON array\n",
    });
  });

  test("has its errors told in one line, with exit code 1, behind what a stream gave before", async () => {
    const ran = await call("acme.Shop/Get", '{"note":"fail 5 no order é: 100%"}');
    const stderr = "trestle: the provider answered 5 (not_found): no order é: 100%\n";
    expect(ran).toEqual({ code: 1, stdout: "", stderr });
    const watched = await call("acme.Shop/Watch", '{"note":"fail 8 enough","count":1}');
    expect(watched).toMatchObject({
      code: 1,
      stderr: "trestle: the provider answered 8 (resource_exhausted): enough\n",
    });
    expect(watched.stdout.trim().split("\n")).toHaveLength(1);
  });

  test("that is too slow is given up, with exit code 2, behind what a stream gave before", async () => {
    // The server gives up at the same time: either may be first.
    const late = {
      code: 2,
      stderr: expect.stringMatching(/^trestle: no answer from [\d.:]+ in time(: it gave up .+)?\n$/),
    };
    expect(await call("acme.Shop/Get", '{"note":"sleep 20000"}', "--timeout", "1500")).toMatchObject(late);
    const watched = await call("acme.Shop/Watch", '{"note":"stay","count":2}', "--timeout", "3000");
    expect(watched).toMatchObject(late);
    expect(watched.stdout.trim().split("\n")).toHaveLength(2);
  });

  test("may answer with megabytes, up to the limit", async () => {
    const ran = await call("acme.Shop/Get", '{"note":"big 3000000"}');
    expect(JSON.parse(ran.stdout).note).toHaveLength(3_000_000);
    const over = await call("acme.Shop/Get", '{"note":"big 3000000"}', "--max-message", "1000000");
    expect(over).toMatchObject({ code: 2, stdout: "" });
    expect(over.stderr).toMatch(/^trestle: grpc message of 30000\d\d bytes is over maxMessageBytes 1000000\n$/);
  });

  test.each<[string, string, string]>([
    ["acme.Nosuch/Get", "{}", "the server has no service acme.Nosuch; it has acme.Shop"],
    [
      "acme.Shop/Nosuch",
      "{}",
      "service acme.Shop has no method Nosuch; it has Get, Watch, PutAll, Talk, Echo, EchoSlip, Name",
    ],
    ["acme.Shop/get", "{}", "service acme.Shop has no method get; Get is how it is written"],
    [
      "acme.Shop/Get",
      "{",
      "the message is no JSON: json: unexpected the end at character 1; it is an object, such as '{\"id\": 42}'",
    ],
  ])("%s of %s is not made", async (method, json, text) => {
    expect(await call(method, json)).toEqual({ code: 2, stdout: "", stderr: `trestle: ${text}\n` });
  });

  test("is not sent what does not fit its types: the field is named", async () => {
    const ran = await call("acme.Shop/Echo", '{"lines":[{},{"count":-1}]}');
    expect(ran).toMatchObject({ code: 2, stdout: "" });
    expect(ran.stderr).toMatch(/^trestle: the message is no acme\.Order: at lines\[1\]\.count: .+\n$/);
  });
});

describe("a server without reflection", () => {
  test("is called by .proto files, with imports beside them or by --proto-path", async () => {
    const ran = await callSilent("acme.Shop/Get", '{"id":"7"}', ...files);
    expect(JSON.parse(ran.stdout)).toEqual({ id: "7" });
    const slip = await callSilent(
      "acme.Shop/EchoSlip",
      '{"number":1,"dense":[1,2],"part":[{"sku":"a"}]}',
      ...files,
      "--proto-path",
      shopFolder,
    );
    expect(slip).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(slip.stdout)).toEqual({ number: 1, dense: [1, 2], part: [{ sku: "a" }] });
  });

  test("is called by a descriptor set of protoc's", async () => {
    const ran = await callSilent("acme.Shop/Get", '{"id":"7"}', "--descriptor", join(shopFolder, "shop.pb"));
    expect(JSON.parse(ran.stdout)).toEqual({ id: "7" });
  });

  test.each<[string, string[], string]>([
    [
      "without files",
      [],
      "the server has no reflection; name the .proto files of the service with --proto, or a descriptor set with --descriptor",
    ],
    ["with a file that is not there", ["--proto", "nosuch.proto"], "there is no file nosuch.proto"],
    ["with a descriptor set that is not there", ["--descriptor", "nosuch.pb"], "nosuch.pb cannot be read: ENOENT"],
    [
      "with a file whose imports are elsewhere",
      [...files, "--proto-path", "elsewhere"],
      `${join(shopFolder, "shop.proto")} imports "legacy.proto", which is not in "elsewhere"; name its folder with --proto-path`,
    ],
    [
      "with both",
      [...files, "--descriptor", "a.pb"],
      "--proto and --descriptor exclude each other: both say what the types are",
    ],
    [
      "with Java's types",
      ["--types", "long"],
      "--types, --generic and --one-way are for Java's interfaces; grpc takes types from --proto or the server",
    ],
  ])("is not called %s", async (_name, options, text) => {
    const ran = await callSilent("acme.Shop/Get", "{}", ...options);
    expect(ran).toEqual({ code: 2, stdout: "", stderr: `trestle: ${text}\n` });
  });

  test("is told by its own words that it has no such service", async () => {
    const relay = ["--proto", join(shopFolder, "../peers/grpc/relay.proto")];
    const ran = await callSilent("com.acme.Relay/Say", '"x"', ...relay);
    expect(ran).toMatchObject({ code: 1, stdout: "" });
    expect(ran.stderr).toMatch(/^trestle: the provider answered 12 \(unimplemented\): .*com\.acme\.Relay.*\n$/);
    const unknown = await callSilent("acme.Nosuch/Get", "{}", ...files);
    expect(unknown).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("shop.proto has no service acme.Nosuch; it has acme.Shop\n"),
    });
  });
});

describe("a server that compresses", () => {
  let server: Http2Server | undefined;

  afterAll(() => {
    server?.close();
  });

  async function callCompressed(content: Buffer, flag: number, ...options: string[]): Promise<Ran> {
    server?.close();
    server = createServer();
    server.on("stream", (stream: ServerHttp2Stream) => {
      stream.on("error", () => {});
      const envelope = Buffer.alloc(5);
      envelope.writeUInt8(flag);
      envelope.writeUInt32BE(content.length, 1);
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "grpc-encoding": "gzip" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.concat([envelope, content]));
    });
    await new Promise<void>((resolve) => server!.listen(0, hosts.provider3, resolve));
    const { port } = server.address() as AddressInfo;
    return runTrestle(["call", `grpc://${hosts.provider3}:${port}`, "acme.Shop/Name", '"x"', ...files, ...options]);
  }

  test("has its messages decompressed, and those taken as they are that it did not compress", async () => {
    const message = Buffer.from("0a03626f62", "hex");
    for (const ran of [await callCompressed(gzipSync(message), 1), await callCompressed(message, 0)]) {
      expect(ran).toEqual({ code: 0, stdout: '"bob"\n', stderr: "" });
    }
  });

  test("may not send more than the limit that way", async () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024));
    const ran = await callCompressed(bomb, 1);
    expect(ran).toEqual({
      code: 2,
      stdout: "",
      stderr: "trestle: grpc message is over maxMessageBytes 8388608 once decompressed\n",
    });
  });

  test("and sends what is no gzip, or no message of its type, is told", async () => {
    const damaged = await callCompressed(Buffer.from("text"), 1);
    expect(damaged).toMatchObject({ code: 2, stderr: expect.stringContaining("trestle: grpc message is no gzip: ") });
    const other = await callCompressed(gzipSync(Buffer.from([0xff])), 1);
    expect(other).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("trestle: the answer is no google.protobuf.StringValue: "),
    });
  });
});
