import { connectDubbo } from "../../../src/cli/dubbo/client.ts";
import { type Check, type ConsumerOptions, type DubboLine, startConsumer } from "../../support/dubbo.ts";
import { sleep } from "../../support/process.ts";
import type { TripleStage } from "../../support/triple-stage.ts";
import { methodOf } from "./methods.ts";
import type { BridgeCaller, CallerName, CallOptions, Outcome } from "./peers.ts";

/** Methods that the consumer program calls by its own interface; the others are called by `$invoke`. */
const TYPED = new Set(
  "getOrder createOrder find cancelOrder sayHi whoAmI attachments sleep note notes fail echoString laterOrder".split(
    " ",
  ),
);

/** A real Java consumer, which speaks Dubbo2 or Triple with the wrapper. */
export async function javaCaller(
  name: CallerName,
  line: DubboLine,
  stage: TripleStage,
  speaks: "dubbo" | "tri",
): Promise<BridgeCaller> {
  // Two addresses: with only one, 2.7 leaves its cluster out, and with it the attachments of answers.
  const place: ConsumerOptions =
    speaks === "dubbo" ? { url: `${stage.dubboUrl};${stage.dubboUrl}`, cluster: "failover" } : { url: stage.url };
  const consumer = await startConsumer(line, { ...place, timeout: 15_000 });
  const refs = new Set<string>();
  let rows: Promise<ReadonlyMap<string, Check>> | undefined;

  const refer = async ({ timeoutMs, group }: CallOptions): Promise<string | undefined> => {
    if (timeoutMs === undefined && group === undefined) return undefined;
    const ref = `${group ?? ""}/${timeoutMs ?? ""}`;
    if (!refs.has(ref)) {
      const options: ConsumerOptions = {
        ...place,
        ...(group !== undefined && { group }),
        // Without this parameter 2.7 keeps its time-out to itself.
        ...(timeoutMs !== undefined && { timeout: timeoutMs, params: { "enable-timeout-countdown": "true" } }),
      };
      await consumer.refer(ref, options);
      refs.add(ref);
    }
    return ref;
  };

  const ask = async (command: Readonly<Record<string, unknown>>): Promise<Outcome> => {
    const { value, error, answered } = await consumer.ask(command);
    const attachments = (answered ?? {}) as Record<string, string>;
    return error === undefined ? { value, attachments } : { error: javaError(String(error)), attachments };
  };

  return {
    name,
    java: true,
    async call(method, args, options = {}) {
      const ref = await refer(options);
      const plain = args.map((arg) => (typeof arg === "bigint" ? Number(arg) : arg));
      const attach = options.attachments ?? {};
      if (TYPED.has(method) && plain.length < 2) return ask({ op: "call", method, arg: plain[0], attach, ref });
      const types = methodOf(method, args).parameterTypes.map((type) => type.replace(/<.*/, ""));
      return ask({ op: "generic", method, types, args: plain, attach, ref });
    },
    async burst(calls, ms) {
      const { labels, errors } = await consumer.burst(calls, ms);
      return [...Object.entries(labels).flatMap(([label, count]) => Array<string>(count).fill(label)), ...errors];
    },
    async big(way, size) {
      const { ok, error } = await consumer.ask({ op: "big", size, way });
      return error === undefined ? ok === true : String(error);
    },
    async giveUp(ms, afterMs) {
      if (speaks === "tri") {
        // The consumer's own time-out resets its stream.
        const ref = await refer({ timeoutMs: afterMs });
        await ask({ op: "call", method: "sleep", arg: ms, ref });
        return;
      }
      // A Dubbo2 caller has nothing but its connection to end.
      const client = await connectDubbo({ host: stage.host, port: stage.dubboPort });
      const call = client.call(
        {
          interface: "com.acme.OrderService",
          group: "",
          version: "",
          twoWay: true,
          method: "sleep",
          descriptor: "J",
          args: [BigInt(ms)],
          attachments: {},
        },
        60_000,
      );
      call.catch(() => {});
      await sleep(afterMs);
      client.close();
      await call.catch(() => {});
    },
    generic: (style) => ask({ op: "style", style, arg: 5 }),
    unknownMethod: () => ask({ op: "generic", method: "missing", types: ["int"], args: [1] }),
    ...(speaks === "tri" && { stream: (call) => consumer.stream({ ...call }) }),
    suite: () => {
      rows ??= Promise.all([consumer.suite(), consumer.kinds()]).then(
        (lists) => new Map(lists.flat().map((row) => [row.check, row])),
      );
      return rows;
    },
    next: () => {
      rows = undefined;
    },
    stop: () => consumer.stop(),
  };
}

/** `class: message <- cause: message`, as the programs print a Throwable. */
function javaError(text: string): { readonly class: string; readonly message: string } {
  const [, name = "", message = ""] = /^([\w.$]+): ([\s\S]*)$/.exec(text) ?? [];
  return { class: name, message: message === "" ? text : message };
}
