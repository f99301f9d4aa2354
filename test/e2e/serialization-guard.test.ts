import { connect } from "node:http2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeHessian2 } from "../../src/codecs/hessian2/writer.ts";
import { encodeRequestWrapper } from "../../src/codecs/triple/body.ts";
import { mapValue, objectValue, type Value } from "../../src/codecs/value.ts";
import { plainEndpoint } from "../../src/model/entry.ts";
import { startProvider } from "../support/dubbo.ts";
import { envelope } from "../support/h2-peers.ts";
import { type StagedProxy, startInbound } from "../support/mtls-stage.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { payloadForms } from "../support/payload-forms.ts";
import { configsOf } from "../support/policies.ts";
import { stopAll } from "../support/process.ts";
import { openRaw, request } from "../support/raw-dubbo.ts";
import { dubboTrick, genericTrick, jsonTrick, type Place, tripleTrick } from "../support/trick-calls.ts";

// SerializationGuard in front of real old providers, against the forms of published attacks; and what Triple calls may hold.

const SERVICE = "com.acme.OrderService";
const GUARD =
  "apiVersion: trestle.io/v1alpha1\nkind: SerializationGuard\nmetadata: {name: g}\nspec: {maxDepth: 64, maxBodyBytes: 100000}\n";
const places = { "2.6": hosts.provider1, "2.7": hosts.provider2, "3.3": hosts.provider3 } as const;
const stages = new Map<string, StagedProxy>();

beforeAll(async () => {
  requireNamespace();
  await Promise.all([start("2.6", "dubbo"), start("2.7", "dubbo"), start("3.3", "tri")]);
});
afterAll(async () => {
  for (const { proxy } of stages.values()) await proxy.close();
  await stopAll();
});

async function start(line: keyof typeof places, protocol: "dubbo" | "tri"): Promise<void> {
  const to = { address: places[line], port: 20_880 };
  await startProvider(line, { host: to.address, port: to.port, protocol, streams: protocol === "tri" });
  const known = { ...to, protocol, weight: 100, params: {}, origin: "test" };
  const service = { interface: "*", group: "", version: "" };
  const configs = configsOf([GUARD], { host: "inbound", service, endpoints: [plainEndpoint(known)] });
  const typedPerFilterConfig = configs as Readonly<Record<string, object>>;
  stages.set(line, await startInbound({ to, protocol, typedPerFilterConfig }));
}

function placeOf(line: string): Place {
  const { address, port } = stages.get(line)!;
  return { host: address, port };
}

/** The id of Java's own serialization. */
const JAVA = 3;

describe.each(["2.6", "2.7"])("a %s provider", (line) => {
  test.each(payloadForms)("is not sent $name", async ({ service = SERVICE, name: _, ...form }) => {
    const { host, port } = placeOf(line);
    const caller = await openRaw(host, port);
    try {
      caller.write(request({ id: 7n, service, ...form }));
      const { status, body } = await caller.answer(10_000);
      const text = body.toString("latin1");
      // An exception that consumers do not send again, also in Java's own; a frame that cannot be read, or whose serialization has no exceptions here.
      const isRead = form.serialization === undefined;
      expect(status).toBe(isRead ? (text.includes("guard") ? 20 : 40) : form.serialization === JAVA ? 20 : 80);
      expect(text).toMatch(status === 40 ? /trestle: / : /serialization guard|RBAC/);
    } finally {
      caller.destroy();
    }
  });

  test("gets what applications send, and is there", async () => {
    const order = objectValue("com.acme.Order", [["note", "shelf"]]);
    const echoed = { method: "echoObject", descriptor: "Ljava/lang/Object;", args: [order as Value] };
    expect(await dubboTrick(placeOf(line), echoed)).toMatchObject({
      status: 20,
      text: expect.stringContaining("shelf"),
    });
    const map = mapValue([
      ["class", "com.acme.Order"],
      ["note", "box"],
    ]);
    const generic = genericTrick("echoObject", ["java.lang.Object"], [map]);
    expect(await dubboTrick(placeOf(line), generic)).toMatchObject({
      status: 20,
      text: expect.stringContaining("box"),
    });
  });

  test("takes no more than the guard's limit", async () => {
    const call = (length: number) =>
      dubboTrick(placeOf(line), { method: "sayHi", descriptor: "Ljava/lang/String;", args: ["x".repeat(length)] });
    expect((await call(50_000)).text).toContain("hi xxx");
    expect((await call(150_000)).text).toContain("over the guard's limit");
  });
});

describe("Triple calls", () => {
  const wrapped = (serializeType: string, value: Value, type = "java.lang.Object") =>
    encodeRequestWrapper({ serializeType, args: [encodeHessian2(value)], argTypes: [type] });
  const echo = (message: Buffer) => tripleTrick(placeOf("3.3"), { path: `/${SERVICE}/echoObject`, message });
  const gadget = objectValue("com.rometools.rome.feed.impl.EqualsBean", [["obj", null]]);

  test("with what applications send pass", async () => {
    const order = objectValue("com.acme.Order", [["note", "shelf"]]);
    expect(await echo(wrapped("hessian4", order))).toMatchObject({ status: 0, text: expect.stringContaining("shelf") });
    expect(await tripleTrick(placeOf("3.3"), { path: `/${SERVICE}/sayHi`, args: ["Ann"] })).toMatchObject({
      status: 0,
    });
  });

  const rows: [string, Buffer, RegExp][] = [
    ["a gadget", wrapped("hessian4", gadget), /serialization guard: class "com\.rometools/],
    ["a gadget in a list", wrapped("hessian2", { type: "list", className: null, items: [gadget] }), /rometools/],
    ["another serialization", wrapped("nativejava", "x"), /wrapper in "nativejava" is not read/],
    ["one that is not known", wrapped("hessian9", gadget), /no wrapper of Triple/],
    ["no wrapper", Buffer.from("0a0568656c6c6f", "hex"), /no wrapper of Triple/],
    ["bytes behind an argument", Buffer.concat([wrapped("hessian4", "x"), Buffer.from("12034e4e4e", "hex")]), /guard/],
    ["more than the limit", wrapped("hessian4", "x".repeat(150_000), "java.lang.String"), /over the guard's limit/],
    [
      "an array of 2^31",
      encodeRequestWrapper({
        serializeType: "hessian4",
        args: [Buffer.from("56045b696e74497fffffff", "hex")],
        argTypes: ["java.lang.Object"],
      }),
      /can't be read/,
    ],
  ];
  test.each(rows)("%s is refused", async (_, message, expected) => {
    const { status, text } = await echo(message);
    expect(status).toBe(7);
    expect(text).toMatch(expected);
  });

  test("a generic call that names a class, as wrapper and as JSON", async () => {
    const map = mapValue([["class", "java.lang.ProcessBuilder"]]);
    const { args } = genericTrick("echoObject", ["java.lang.Object"], [map]);
    const types = ["java.lang.String", "[Ljava.lang.String;", "[Ljava.lang.Object;"];
    const call = { path: `/${SERVICE}/$invoke`, headers: { generic: "true" }, types, args };
    expect(await tripleTrick(placeOf("3.3"), call)).toMatchObject({ status: 7 });
    const body = JSON.stringify([{ class: "java.lang.ProcessBuilder" }]);
    expect((await jsonTrick(placeOf("3.3"), `/${SERVICE}/echoObject`, body)).status).toBe(403);
    expect((await jsonTrick(placeOf("3.3"), `/${SERVICE}/sayHi`, '["Ann"]')).text).toContain("hi Ann");
    // Java 3.3 reads YAML, and JSON in other quotes under other types.
    for (const [type, text] of [
      ["application/yaml", "- {class: java.lang.ProcessBuilder}"],
      ["text/json", "[{'class':'java.lang.ProcessBuilder'}]"],
    ] as const)
      expect((await jsonTrick(placeOf("3.3"), `/${SERVICE}/echoObject`, text, { "content-type": type })).status).toBe(
        403,
      );
  });

  test("a stream is ended at the message that is refused; those before it had their answers", async () => {
    const { host, port } = placeOf("3.3");
    const session = connect(`http://${host}:${port}`);
    const order = objectValue("com.acme.Order", [["note", "first"]]);
    const seen = await new Promise<{ readonly text: string; readonly code: number }>((resolve, reject) => {
      const head = {
        ":method": "POST",
        ":path": "/com.acme.OrderFeed/review",
        "content-type": "application/grpc+proto",
      };
      const stream = session.request({ ...head, te: "trailers" });
      let text = "";
      stream.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
        if (!stream.writableEnded) stream.end(envelope(wrapped("hessian4", gadget, "com.acme.Order")));
      });
      stream.on("error", () => {});
      stream.on("close", () => resolve({ text, code: stream.rstCode }));
      stream.setTimeout(10_000, () => reject(new Error("nothing came")));
      const message = envelope(wrapped("hessian4", order, "com.acme.Order"));
      // In pieces, which are nobody's message yet.
      stream.write(message.subarray(0, 3));
      stream.write(message.subarray(3, 20));
      setTimeout(() => stream.write(message.subarray(20)), 50);
    });
    session.destroy();
    expect(seen.text).toContain("first");
    expect(seen.text).not.toContain("rometools");
    expect(seen.code).not.toBe(0);
  });
});
