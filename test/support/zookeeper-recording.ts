import { readFileSync } from "node:fs";
import { type OpName, opName } from "../../src/codecs/zookeeper/constants.ts";
import { JuteReader } from "../../src/codecs/zookeeper/jute.ts";
import { readRequestHeader } from "../../src/codecs/zookeeper/records.ts";
import { peekReply } from "../../src/codecs/zookeeper/replies.ts";

/** One recorded packet, without its length; `op` is what a reply answers, worked out from the requests before it. */
export interface RecordedPacket {
  readonly file: string;
  readonly line: number;
  readonly connection: number;
  readonly kind: "connectRequest" | "connectResponse" | "request" | "reply" | "event";
  readonly op: OpName | undefined;
  readonly packet: Uint8Array;
  readonly body: Uint8Array;
}

/** Every packet of fixtures/wire/zookeeper, in order. */
export function readZooKeeperRecordings(): RecordedPacket[] {
  return ["kazoo-2.8", "java-3.8"].flatMap((name) => readOne(`${name}.jsonl`));
}

function readOne(file: string): RecordedPacket[] {
  const text = readFileSync(new URL(`../../fixtures/wire/zookeeper/${file}`, import.meta.url), "utf8");
  const greeted = new Set<string>();
  const asked = new Map<string, OpName[]>();
  return text
    .trim()
    .split("\n")
    .map((json, index) => {
      const { connection, from, hex } = JSON.parse(json) as {
        connection: number;
        from: "client" | "server";
        hex: string;
      };
      const packet = Uint8Array.from(Buffer.from(hex, "hex"));
      const body = packet.subarray(4);
      const base = { file, line: index + 1, connection, packet, body };
      if (!greeted.has(connection + from)) {
        greeted.add(connection + from);
        return {
          ...base,
          kind: from === "client" ? ("connectRequest" as const) : ("connectResponse" as const),
          op: undefined,
        };
      }
      if (from === "client") {
        const { xid, type } = readRequestHeader(new JuteReader(body));
        const op = opName(type);
        const key = `${connection} ${xid}`;
        if (op !== undefined) asked.set(key, [...(asked.get(key) ?? []), op]);
        return { ...base, kind: "request" as const, op };
      }
      const { xid, isEvent } = peekReply(body);
      if (isEvent) return { ...base, kind: "event" as const, op: undefined };
      return { ...base, kind: "reply" as const, op: asked.get(`${connection} ${xid}`)?.shift() };
    });
}
