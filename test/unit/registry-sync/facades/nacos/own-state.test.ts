import { expect, test } from "vitest";
import { type NacosBody, parseBody } from "../../../../../src/codecs/nacos/body.ts";
import { failure, success } from "../../../../../src/codecs/nacos/messages.ts";
import { decodePayload, encodePayload } from "../../../../../src/codecs/nacos/payload.ts";
import { OwnState } from "../../../../../src/registry-sync/facades/nacos/own-state.ts";
import type { ClientLogin } from "../../../../../src/registry-sync/facades/nacos/token-logins.ts";
import type { Outcome } from "../../../../../src/registry-sync/facades/nacos/upstream.ts";

const inbound = [{ listen: { host: "10.0.0.5", port: 90 }, to: { host: "10.0.0.1", port: 80 }, protocol: "http" }];

function stage(login?: Pick<ClientLogin, "accepted" | "follow">) {
  const given = { inbound, takes: true, hides: false };
  const pushed: Buffer[] = [];
  const removed: string[] = [];
  const own = new OwnState({
    context: () => ({
      registering: { inbound: given.inbound, takes: () => given.takes },
      hidesRouter: () => given.hides,
      passesClient: () => false,
    }),
    ...{ namespace: "public", clientAddress: "10.0.0.1", push: (message: Buffer) => pushed.push(message) },
    onRemoval: (instances) => removed.push(...instances),
    ...(login && { login }),
  });
  const send = (service: string, ip = "10.0.0.1", type = "registerInstance", token?: string) => {
    const headers = new Map(token === undefined ? [] : [["accessToken", token]]);
    const body = { serviceName: service, type, instance: { ip, port: 80, metadata: {} } };
    const message = encodePayload({ type: "InstanceRequest", headers, body: JSON.stringify(body) });
    const payload = decodePayload(message);
    own.noteSent(payload);
    const sent = placeOf(own.toServer(message, payload));
    return { sent, taken: () => own.taken(payload, parseBody(payload.body), message) };
  };
  const moves = (answer = success("InstanceResponse")) => {
    const places: string[] = [];
    own.move((message, done) => {
      places.push(placeOf(message));
      done({
        type: "answer",
        message: encodePayload({ type: answer.type, body: JSON.stringify(answer.body) }),
      } as Outcome);
    });
    return places;
  };
  return { given, removed, own, send, moves, pushed };
}

function placeOf(message: Buffer): string {
  const { serviceName, instance } = parseBody(decodePayload(message).body) as {
    serviceName: string;
    instance: NacosBody;
  };
  return `${serviceName} ${instance["ip"]}:${instance["port"]}`;
}

test("registrations are sent with the proxy's address, moved when that changes, and made again as they are to stand", () => {
  const { given, own, send, moves } = stage();
  const [one, other] = [send("s"), send("t", "10.0.0.2")];
  expect([one.sent, other.sent]).toEqual(["s 10.0.0.5:90", "t 10.0.0.2:80"]);
  one.taken();
  other.taken();
  expect(own.registrations).toBeGreaterThan(0);
  expect(moves()).toEqual([]);
  given.takes = false;
  expect(moves()).toEqual(["s 10.0.0.1:80"]);
  expect(moves()).toEqual([]);
  given.takes = true;
  expect(own.replay().map(placeOf)).toEqual(["s 10.0.0.5:90", "t 10.0.0.2:80"]);
  expect(moves()).toEqual([]);
  given.inbound = [];
  expect(moves()).toEqual(["s 10.0.0.1:80"]);
});

test("a move that the registry does not take is tried again", () => {
  const { given, send, moves } = stage();
  send("s").taken();
  given.takes = false;
  expect(moves(failure(500, "no"))).toEqual(["s 10.0.0.1:80"]);
  expect(moves()).toEqual(["s 10.0.0.1:80"]);
  expect(moves()).toEqual([]);
});

test("what changes before the server answered is moved after it", () => {
  const { given, own, send, moves } = stage();
  const { taken } = send("s");
  given.takes = false;
  expect(moves()).toEqual([]);
  expect(own.hasLate).toBe(true);
  taken();
  expect(moves()).toEqual(["s 10.0.0.1:80"]);
  expect(own.hasLate).toBe(false);
});

test("who takes himself out, or leaves, is taken out where he stands", () => {
  const { removed, own, send, moves, given } = stage();
  send("s").taken();
  const gone = send("s", "10.0.0.1", "deregisterInstance");
  expect(gone.sent).toBe("s 10.0.0.5:90");
  gone.taken();
  expect(removed).toEqual(["10.0.0.5:90"]);
  given.takes = false;
  expect(moves()).toEqual([]);
  given.takes = true;
  send("t").taken();
  own.left();
  expect(removed).toEqual(["10.0.0.5:90", "10.0.0.5:90"]);
});

test("rules that are hidden are answered here, are not listened to, and the client hears when that changes", () => {
  const { given, own, moves, pushed } = stage();
  const config = { dataId: "shop.tag-router", group: "dubbo", tenant: "" };
  const listen = { listen: true, configListenContexts: [{ ...config, md5: "" }] };
  const message = encodePayload({ type: "ConfigBatchListenRequest", headers: new Map(), body: JSON.stringify(listen) });
  const query = encodePayload({ type: "ConfigQueryRequest", headers: new Map(), body: JSON.stringify(config) });
  expect(own.noteSent(decodePayload(query))).toBeUndefined();
  expect(own.toServer(message, decodePayload(message))).toBe(message);
  own.taken(decodePayload(message), listen, message);
  given.hides = true;
  expect([moves(), pushed.length]).toEqual([[], 1]);
  expect(parseBody(decodePayload(own.noteSent(decodePayload(query))!).body)).toMatchObject({ errorCode: 300 });
  expect(own.replay().map((one) => parseBody(decodePayload(one).body)["configListenContexts"])).toEqual([[]]);
});

test("a token with which the registry did something is told, and what is made again goes with one that the client got since", () => {
  const accepted: string[] = [];
  let renew: (token: string) => void = () => {};
  const { own, send } = stage({ accepted: (token) => accepted.push(token), follow: (told) => (renew = told) });
  send("s", undefined, undefined, "old").taken();
  expect(accepted).toEqual(["old"]);
  renew("new");
  expect(own.replay().map((message) => decodePayload(message).headers.get("accessToken"))).toEqual(["new"]);
});
