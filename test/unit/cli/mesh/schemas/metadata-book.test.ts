import { expect, test } from "vitest";
import { MetadataBook, withoutOwn } from "../../../../../src/cli/mesh/schemas/metadata-book.ts";
import { answerMetadata } from "../../../../../src/cli/mesh/schemas/metadata-service.ts";
import type { IncomingCall } from "../../../../../src/codecs/dubbo2/connection.ts";
import { fieldOf, isObject } from "../../../../../src/codecs/value.ts";
import { createSnapshot } from "../../../../../src/model/snapshot.ts";
import {
  METADATA_SERVICE,
  type MetadataInfo,
  metadataInfoOf,
} from "../../../../../src/registry-sync/application/metadata-info.ts";
import { proxyPorts, treatApplication } from "../../../../../src/registry-sync/present/applications.ts";
import { applicationOf, instanceAt, offered } from "../../../../support/applications.ts";

function info(revision: string, services = 1): MetadataInfo {
  return { application: "shop", revision, services: Array.from({ length: services }, (_, i) => offered(`a.B${i}`)) };
}

function call(changes: Partial<IncomingCall> = {}): IncomingCall {
  return {
    ...{ type: "call", idHigh: 0, idLow: 1, twoWay: true, protocolVersion: "2.0.2", interface: METADATA_SERVICE },
    ...{ group: "shop", version: "1.0.0", method: "getMetadataInfo", descriptor: "Ljava/lang/String;" },
    ...{ args: ["v1"], attachments: {} },
    ...changes,
  };
}

test("revisions that were shown are known, of their application alone", () => {
  const book = new MetadataBook();
  book.remember(info("v1"));
  expect([book.find("shop", "v1"), book.find("other", "v1"), book.find("shop", "v2")]).toEqual([
    ...[info("v1"), undefined, undefined],
  ]);
});

test("real revisions are known as far as the sync knows them", () => {
  const book = new MetadataBook();
  const services = [offered("a.B")];
  book.take([{}, { applications: [applicationOf([instanceAt("h:1")], { r1: services })] }]);
  expect(book.find("shop", "r1")).toEqual({ application: "shop", revision: "r1", services });
});

test("what is shown now is known, though nobody has looked at it here", () => {
  const asked: string[] = [];
  const book = new MetadataBook((application) => {
    asked.push(application);
    return [info("v1"), info("v2", 2)];
  });
  expect([book.find("shop", "v2"), book.find("shop", "v3"), asked]).toEqual([
    ...[info("v2", 2), undefined, ["shop", "shop"]],
  ]);
});

test("known, too, is what another instance of Trestle shows that was told no Triple port of this one", () => {
  const application = applicationOf([instanceAt("10.0.0.1:20880")], {
    r1: [offered("a.B"), offered("a.C", { protocol: "tri", port: 50051 })],
  });
  const shownBy = (tri: readonly string[]) => {
    const treatment = treatApplication(application, {
      proxies: proxyPorts(["10.9.0.1:20880"], tri),
      notLed: () => undefined,
    });
    return treatment.type === "led" ? treatment.presented.instances.map((one) => one.info) : [];
  };
  const own = shownBy(["10.9.0.1:50051"]);
  const [other] = shownBy([]);
  const book = new MetadataBook(() => own);
  expect(other!.revision).not.toBe(own[0]!.revision);
  expect(book.find("shop", other!.revision)).toEqual(other);
  expect([book.find("shop", own[0]!.revision), book.find("shop", "v3")]).toEqual([own[0], undefined]);
});

test("services that an instance had under another revision are not told under its new one", () => {
  const book = new MetadataBook();
  const shop = applicationOf([instanceAt("h:1", { revision: "r2" })], { r2: [offered("a.B")] });
  book.take([{ applications: [{ ...shop, kept: new Set(["r2"]) }] }]);
  expect(book.find("shop", "r2")).toBeUndefined();
});

test("what was shown long ago is forgotten, by number and by size; the newest stays", () => {
  const book = new MetadataBook();
  for (let i = 0; i <= 5_000; i++) book.remember(info(`v${i}`, 0));
  expect([book.find("shop", "v0"), book.find("shop", "v5000")?.revision]).toEqual([undefined, "v5000"]);
  book.remember(info("big", 200_001));
  expect([book.find("shop", "v5000"), book.find("shop", "big")?.revision]).toEqual([undefined, "big"]);
});

test("each application has an entry, the same one each time; names that can be no group have none", () => {
  const book = new MetadataBook();
  const shop = applicationOf([instanceAt("h:1")], {});
  book.take([{ applications: [shop, { ...shop, name: "a/b" }] }]);
  const [entry, ...others] = book.entries("127.0.0.1", 5000);
  expect([entry?.service, others]).toEqual([{ interface: METADATA_SERVICE, group: "shop", version: "1.0.0" }, []]);
  expect(entry?.endpoints.map(({ address, port, protocol }) => [address, port, protocol])).toEqual([
    ["127.0.0.1", 5000, "dubbo"],
  ]);
  expect(book.entries("127.0.0.1", 5000)[0]).toBe(entry);
  const snapshot = createSnapshot([entry!], []);
  expect(withoutOwn(snapshot).entries).toEqual([]);
  book.take([]);
  expect(book.entries("127.0.0.1", 5000)).toEqual([]);
});

test("a snapshot without Trestle's own services is the same one", () => {
  const snapshot = createSnapshot([], []);
  expect(withoutOwn(snapshot)).toBe(snapshot);
});

test("getMetadataInfo is answered; null for a revision that is not known, as Dubbo does", () => {
  const book = new MetadataBook();
  book.remember(info("v1"));
  expect(metadataInfoOf(answerMetadata(book, call()).value)?.services).toEqual(info("v1").services);
  expect(answerMetadata(book, call({ args: ["v2"] }))).toEqual({ type: "value", value: null });
  expect(answerMetadata(book, call({ method: "serviceName", args: [] })).value).toBe("shop");
  expect(answerMetadata(book, call({ method: "version", args: [] })).value).toBe("1.0.0");
});

test("other calls are an exception that says so", () => {
  const { type, value } = answerMetadata(new MetadataBook(), call({ method: "getExportedURLs" }));
  expect(type).toBe("exception");
  expect(isObject(value) && fieldOf(value, "detailMessage")).toBe(
    "trestle: org.apache.dubbo.metadata.MetadataService.getExportedURLs is not answered for application shop; ask one of its instances",
  );
});
