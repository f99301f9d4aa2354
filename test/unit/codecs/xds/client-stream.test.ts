import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../../../src/base/errors.ts";
import { ClientStream } from "../../../../src/codecs/xds/client-stream.ts";
import { ServerStream } from "../../../../src/codecs/xds/server-stream.ts";
import { NODE, printResponse, servedSet, TYPES } from "../../../support/xds-playbook.ts";

const [CDS, EDS] = [TYPES["CDS"]!, TYPES["EDS"]!];

/** Client and server until neither has more to say; what the server sent. */
function exchange(client: ClientStream, server: ServerStream, refuses?: string): string[] {
  const lines: string[] = [];
  for (;;) {
    for (let request = client.takeRequest(); request !== undefined; request = client.takeRequest())
      server.receive(request);
    const response = server.takeResponse();
    if (response === undefined) return lines;
    lines.push(printResponse(response));
    const update = client.receive(response);
    if (printResponse(response) === refuses) client.refuse(update, "no");
    else client.accept(update);
  }
}

describe("a client's delta stream", () => {
  test("with a server it comes to the server's set, whatever changes", () => {
    const client = new ClientStream(NODE);
    const server = new ServerStream({ variant: "delta" });
    client.subscribe(CDS, ["*"]);
    server.publish(servedSet({ CDS: "a1 b1", EDS: "a1 b1" }));
    expect(exchange(client, server)).toEqual(["CDS a1 b1"]);
    client.subscribe(EDS, ["a"]);
    expect(exchange(client, server)).toEqual(["EDS a1"]);
    expect([[...client.names(CDS)], [...client.names(EDS)]]).toEqual([["*"], ["a"]]);
    server.publish(servedSet({ CDS: "b2", EDS: "b1" }));
    expect(exchange(client, server)).toEqual(["CDS b2 -a", "EDS -a"]);
    expect([[...client.versions(CDS)], [...client.versions(EDS)]]).toEqual([[["b", "2"]], []]);
  });

  test("a new stream is told what is there already, and sends only what changed", () => {
    const client = new ClientStream(NODE);
    client.subscribe(CDS, ["*"]);
    const first = new ServerStream({ variant: "delta" });
    first.publish(servedSet({ CDS: "a1 b1 c1" }));
    exchange(client, first);
    const second = new ServerStream({ variant: "delta" });
    second.publish(servedSet({ CDS: "a1 b2" }));
    client.open();
    expect(exchange(client, second)).toEqual(["CDS b2 -c"]);
    expect([...client.versions(CDS)]).toEqual([
      ["a", "1"],
      ["b", "2"],
    ]);
  });

  test("what was kept over a restart is said in the first request", () => {
    const client = new ClientStream(NODE);
    client.restore(CDS, new Map([["a", "1"]]));
    client.subscribe(CDS, ["*"]);
    expect(client.takeRequest()).toMatchObject({ node: NODE, subscribe: ["*"], initialVersions: { a: "1" } });
    client.subscribe(EDS, ["a"]);
    expect(client.takeRequest()).toEqual({
      variant: "delta",
      typeUrl: EDS,
      nonce: "",
      subscribe: ["a"],
      unsubscribe: [],
      initialVersions: {},
    });
    expect(client.takeRequest()).toBeUndefined();
  });

  test("what it refuses it does not have", () => {
    const client = new ClientStream(NODE);
    const server = new ServerStream({ variant: "delta" });
    client.subscribe(CDS, ["*"]);
    server.publish(servedSet({ CDS: "a1" }));
    exchange(client, server);
    server.publish(servedSet({ CDS: "a2" }));
    expect(exchange(client, server, "CDS a2")).toEqual(["CDS a2"]);
    expect([...client.versions(CDS)]).toEqual([["a", "1"]]);
    expect(server.subscriptions[0]?.refused?.message).toBe("no");
  });

  test("names come and go before the server hears of them", () => {
    const client = new ClientStream(NODE);
    client.subscribe(EDS, ["a", "b"]);
    client.unsubscribe(EDS, ["b"]);
    expect(client.takeRequest()).toMatchObject({ subscribe: ["a"], unsubscribe: [] });
    client.unsubscribe(EDS, ["a", "c"]);
    expect(client.takeRequest()).toMatchObject({ subscribe: [], unsubscribe: ["a"] });
  });

  test("who asks for all no more keeps what it asked for by name", () => {
    const client = new ClientStream(NODE);
    client.restore(
      CDS,
      new Map([
        ["a", "1"],
        ["b", "1"],
      ]),
    );
    client.subscribe(CDS, ["*", "a"]);
    client.unsubscribe(CDS, ["*"]);
    expect([...client.versions(CDS).keys()]).toEqual(["a"]);
  });

  const faults: readonly (readonly [string, object, string])[] = [
    ["of a type that nobody asked for", { typeUrl: "t/A" }, "a response of t/A, which was not asked for"],
    ["with a name twice", { resources: ["a", "a"] }, "a response has a twice"],
    ["with a name that is there and gone", { resources: ["a"], removed: ["a"] }, "a response has a twice"],
  ];
  test.each(faults)("a response %s is a fault", (_name, parts, message) => {
    const client = new ClientStream(NODE);
    client.subscribe(CDS, ["*"]);
    const { resources = [], ...rest } = parts as { readonly resources?: string[] };
    const response = { typeUrl: CDS, version: "", nonce: "1", removed: [], ...rest };
    const list = resources.map((name) => ({ name, version: "1", resource: {} }));
    expect(() => client.receive({ ...response, resources: list })).toThrow(new ProtocolError("xds", message, 0));
  });
});
