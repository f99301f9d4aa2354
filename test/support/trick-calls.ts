import { request as httpRequest } from "node:http";
import { connect } from "node:http2";
import { encodeRequest } from "../../src/codecs/dubbo2/body.ts";
import { GENERIC_DESCRIPTOR } from "../../src/codecs/dubbo2/head.ts";
import { encodeHessian2 } from "../../src/codecs/hessian2/writer.ts";
import { encodeRequestWrapper } from "../../src/codecs/triple/body.ts";
import { listValue, type Value } from "../../src/codecs/value.ts";
import { envelope } from "./h2-peers.ts";
import { openRaw } from "./raw-dubbo.ts";

/** Calls that say what they mean in more than one way, as one who wants to pass a policy would write them. */

/** Where a call goes. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** What a peer said: its status, and all of the answer as text. */
export interface Said {
  readonly status: number;
  readonly text: string;
}

/** A Dubbo2 call; whatever is not given is that of an honest `note` of the tests' service. */
export interface DubboTrick {
  readonly service?: string;
  readonly group?: string;
  readonly version?: string;
  readonly method?: string;
  readonly descriptor?: string;
  readonly args?: readonly Value[];
  /** In place of those that an honest consumer sends. */
  readonly attachments?: Readonly<Record<string, Value>>;
}

/** Sends one Dubbo2 call on a connection of its own. */
export async function dubboTrick({ host, port }: Place, trick: DubboTrick): Promise<Said> {
  const { service = "com.acme.OrderService", group = "", version = "" } = trick;
  const { method = "note", descriptor = "Ljava/lang/String;", args = [] } = trick;
  const parts = { idHigh: 0, idLow: 7, twoWay: true, interface: service, group, version };
  const attachments = trick.attachments ?? {};
  const caller = await openRaw(host, port);
  try {
    caller.write(encodeRequest({ ...parts, method, descriptor, args, attachments }));
    const { status, body } = await caller.answer(10_000);
    return { status, text: body.toString("latin1") };
  } finally {
    caller.destroy();
  }
}

/** The parts of a generic call of `method`. */
export function genericTrick(method: Value, types: readonly string[], values: readonly Value[], name = "$invoke") {
  const args = [method, listValue([...types], "[string"), listValue([...values], "[object")];
  return { method: name, descriptor: GENERIC_DESCRIPTOR, args, attachments: { generic: "true" } };
}

/** A Triple call over HTTP/2. */
export interface TripleTrick {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly types?: readonly string[];
  readonly args?: readonly Value[];
  /** In place of the wrapper. */
  readonly message?: Buffer;
}

/** Sends one; `status` is gRPC's. */
export async function tripleTrick({ host, port }: Place, trick: TripleTrick): Promise<Said> {
  const { path, headers = {}, types = ["java.lang.String"], args = [] } = trick;
  const wrapper = { serializeType: "hessian4", args: args.map((arg) => encodeHessian2(arg)), argTypes: types };
  const message = trick.message ?? encodeRequestWrapper(wrapper);
  const session = connect(`http://${host}:${port}`);
  session.on("error", () => {});
  try {
    return await new Promise<Said>((resolve, reject) => {
      const head = { ":method": "POST", ":path": path, "content-type": "application/grpc+proto", te: "trailers" };
      const stream = session.request({ ...head, ...headers });
      let status = -1;
      const text: string[] = [];
      const note = (fields: Readonly<Record<string, unknown>>) => {
        if (fields["grpc-status"] !== undefined) status = Number(fields["grpc-status"]);
        if (fields["grpc-message"] !== undefined) text.push(decodeURIComponent(String(fields["grpc-message"])));
      };
      stream.on("response", note);
      stream.on("trailers", note);
      stream.on("data", (chunk: Buffer) => text.push(chunk.toString("latin1")));
      stream.on("error", reject);
      stream.on("close", () => resolve({ status, text: text.join("\n") }));
      stream.setTimeout(10_000, () => stream.close());
      stream.end(envelope(message));
    });
  } finally {
    session.destroy();
  }
}

/** A JSON call over HTTP/1.1, with its path as it stands; `status` is HTTP's. */
export function jsonTrick(
  { host, port }: Place,
  path: string,
  body: string | undefined,
  headers: Readonly<Record<string, string | string[]>> = {},
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { "content-type": "application/json" };
    const method = body === undefined ? "GET" : "POST";
    const asked = httpRequest({ host, port, path, method, headers: { ...type, ...headers } }, (answer) => {
      const text: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => text.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(text).toString() }));
    });
    asked.on("error", reject);
    asked.setTimeout(10_000, () => asked.destroy(new Error("no answer")));
    asked.end(body);
  });
}
