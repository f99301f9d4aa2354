import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { ProtocolError } from "../../src/base/errors.ts";
import { decodeEurekaBody, encodeEurekaBody } from "../../src/codecs/eureka/body.ts";
import type { EurekaDocument, EurekaFormat } from "../../src/codecs/eureka/document.ts";
import { readEurekaInstance } from "../../src/codecs/eureka/instance.ts";
import { parseXml } from "../../src/codecs/eureka/xml-tree.ts";
import { isRecord, type NacosBody, parseBody, recordOf, utf8Of } from "../../src/codecs/nacos/body.ts";
import { parseChanged, parseLogin } from "../../src/codecs/nacos/config.ts";
import { readChangedConfigs, readConfigKey } from "../../src/codecs/nacos/config-messages.ts";
import {
  readConnectionSetup,
  readInstances,
  readReset,
  readResult,
  readServerCheck,
  readServiceAddress,
  readServiceList,
  readSubscription,
} from "../../src/codecs/nacos/messages.ts";
import { decodePayload, encodePayload } from "../../src/codecs/nacos/payload.ts";
import { readServiceInfo, serviceInfoBody } from "../../src/codecs/nacos/service-info.ts";
import { decodeCuratorInstance } from "../../src/codecs/zookeeper/curator-instance.ts";
import {
  decodeMetadataInfo,
  encodeMetadataInfo,
  parseMetadataInfo,
  printMetadataInfo,
} from "../../src/registry-sync/application/metadata-info.ts";
import { printPush, readPush } from "../../src/registry-sync/facades/nacos/udp.ts";
import { answeredInstances, answeredNames } from "../../src/registry-sync/present/nacos-http.ts";
import { readServicesText } from "../../src/registry-sync/sources/file/services-text.ts";
import { fuzz } from "../support/fuzz.ts";

/** What registries, their clients and their files say: seeded mutants of what real ones wrote. */

const JSON_BYTES = [...'{}[]",:\\0e-tn'].map((letter) => letter.charCodeAt(0));
const XML_BYTES = [..."<>/&;!?-[]=\"' "].map((letter) => letter.charCodeAt(0));
const read = (path: string) => readFileSync(new URL(`../../fixtures/${path}`, import.meta.url));
const recorded = read("wire/nacos/messages.jsonl")
  .toString()
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { readonly type: string; readonly body: NacosBody; readonly clientIp: string });
const infos = recorded.flatMap(({ body }) => recordOf(body, "serviceInfo") ?? []);
const httpAnswers = JSON.parse(read("wire/nacos/http-dubbo-2.7.23.json").toString()) as readonly object[];

interface Node {
  readonly path: string;
  readonly data: unknown;
}
const nodes = (file: string) => JSON.parse(read(`registry/${file}.json`).toString()) as readonly Node[];
const dataOf = (data: unknown) => Buffer.from(typeof data === "string" ? data : JSON.stringify(data));
const curator = ["zk-spring-2021.0", "zk-spring-2025.0", "zk-3.3.6-instance"].flatMap((file) =>
  nodes(file).flatMap(({ path, data }) => (/^\/services\/[^/]+\/[^/]+$/.test(path) ? [dataOf(data)] : [])),
);
const metadata = nodes("zk-3.3.6-all-remote").flatMap(({ data }) =>
  `${data}`.startsWith('{"app":') ? [dataOf(data)] : [],
);
const metadataInfos = metadata.flatMap((bytes) => parseMetadataInfo(bytes.toString()) ?? []);

function mustBe(isSo: boolean, what: string): void {
  if (!isSo) throw new Error(what);
}

/** Reads a document; what was read is printed and read again in both forms, unless it has what a form cannot say. */
function readEureka(bytes: Buffer, format: EurekaFormat): void {
  const document = decodeEurekaBody(bytes, format);
  for (const [app, instance] of instancesOf(document)) readEurekaInstance(instance, app);
  const again = decodeEurekaBody(encodeEurekaBody(document, format), format);
  mustBe(again.kind === document.kind, "printed and read again it is another kind of document");
  mustBe(instancesOf(again).length === instancesOf(document).length, "printed and read again it has other instances");
}

function instancesOf(document: EurekaDocument) {
  switch (document.kind) {
    case "applications":
      return document.applications.flatMap(({ name, instances }) => instances.map((raw) => [name, raw] as const));
    case "application":
      return document.application.instances.map((raw) => [document.application.name, raw] as const);
    case "instance":
      return [["", document.instance] as const];
    default:
      return document satisfies never;
  }
}

fuzz([
  {
    name: "nacos payload",
    corpus: recorded.map(({ type, body, clientIp }) =>
      encodePayload({ type, clientIp, headers: [["accessToken", "x"]], body: JSON.stringify(body) }),
    ),
    telling: [0x12, 0x1a, 0x22, 0x3a, 0x42, 0x0a, 0x00, 0x7f, 0x80, 0xff],
    run(bytes) {
      const { type, headers, clientIp, body } = decodePayload(bytes, { maxBodyBytes: 100_000 });
      const again = decodePayload(encodePayload({ type, headers, clientIp, body }));
      const was = [type, [...headers], clientIp, Buffer.from(body)];
      const is = [again.type, [...again.headers], again.clientIp, Buffer.from(again.body)];
      mustBe(isDeepStrictEqual(is, was), "encoded and decoded again it is another payload");
    },
  },
  {
    name: "nacos body",
    corpus: recorded.map(({ body }) => Buffer.from(JSON.stringify(body))),
    telling: JSON_BYTES,
    run(bytes) {
      // What the facade looks into as it passes, and what the source takes for text.
      const bodies = [parseBody(bytes)];
      try {
        bodies.push(parseBody(utf8Of(bytes)));
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
      for (const body of bodies) {
        readResult(body);
        readConnectionSetup(body);
        readServerCheck(body);
        readReset(body);
        readServiceAddress(body);
        readSubscription(body);
        mustBe(readInstances(body, 3).length <= 3, "more instances than asked for");
        readServiceList(body);
        readChangedConfigs(body);
        readConfigKey(body);
      }
    },
  },
  {
    name: "nacos service info",
    corpus: [...infos, ...httpAnswers].map((info) => Buffer.from(JSON.stringify(info))),
    telling: JSON_BYTES,
    run(bytes) {
      const reading = readServiceInfo(parseBody(bytes), 4);
      if (reading === undefined) return;
      mustBe(reading.info.hosts.length <= 4, "more hosts than asked for");
      for (const form of ["grpc", "http"] as const) {
        const again = readServiceInfo(parseBody(JSON.stringify(serviceInfoBody(reading.info, form))), 4);
        mustBe(again?.info.hosts.length === reading.info.hosts.length, `printed for ${form} it has other hosts`);
      }
    },
  },
  {
    name: "nacos http",
    corpus: [
      ...httpAnswers.map((answer) => Buffer.from(JSON.stringify(answer))),
      Buffer.from('{"count":2,"doms":["a","b"]}'),
      Buffer.from('{"code":0,"data":{"count":1,"services":["a"]}}'),
      Buffer.from('{"accessToken":"t","tokenTtl":18000,"globalAdmin":true}'),
      Buffer.from("a%02g%02t%01b%02g%01"),
    ],
    telling: JSON_BYTES,
    run(bytes) {
      const text = bytes.toString();
      for (const parse of [parseChanged, parseLogin]) {
        try {
          parse(text);
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
        }
      }
      let answer: unknown;
      try {
        answer = JSON.parse(text);
      } catch {
        return;
      }
      const list = answeredInstances(answer);
      if (list !== undefined) mustBe(isRecord(list.with(list.info)), "a list put back is no answer");
      const names = answeredNames(answer);
      if (names !== undefined) JSON.stringify(names.with(names));
    },
  },
  {
    name: "nacos udp push",
    corpus: infos.map((info) => printPush(JSON.stringify(info), 1_700_000_000_000)),
    telling: [...JSON_BYTES, 0x1f, 0x8b],
    run(bytes) {
      const push = readPush(bytes);
      if (push !== undefined) mustBe(/^\d{1,20}$/.test(push.time), `time ${push.time}`);
    },
  },
  {
    name: "eureka json",
    corpus: ["apps.json", "apps-compact.json", "delta.json", "empty.json", "instance.json", "register.json"].map(
      (file) => read(`wire/eureka/${file}`),
    ),
    telling: JSON_BYTES,
    run: (bytes) => readEureka(bytes, "json"),
  },
  {
    name: "eureka xml",
    corpus: ["apps.xml", "application.xml", "delta.xml", "register.xml"].map((file) => read(`wire/eureka/${file}`)),
    telling: XML_BYTES,
    run: (bytes) => readEureka(bytes, "xml"),
  },
  {
    name: "xml tree",
    corpus: [
      read("wire/eureka/register.xml"),
      Buffer.from('<?xml version="1.0"?><a b="c&amp;d"><!-- e --><f/><![CDATA[g]]>&#x41;&lt;</a>'),
    ],
    telling: XML_BYTES,
    run: (bytes) => void parseXml(bytes.toString()),
  },
  {
    name: "curator instance",
    corpus: curator,
    telling: JSON_BYTES,
    run(bytes) {
      const reading = decodeCuratorInstance(bytes);
      if (reading.type !== "instance") return;
      const { port, sslPort, address } = reading.instance;
      mustBe(
        [port, sslPort].every((one) => one >= 0 && one <= 65_535),
        "a port that is none",
      );
      mustBe(address !== "" && address.length < 256, "an address that is none");
    },
  },
  {
    name: "metadata info",
    corpus: metadata,
    telling: JSON_BYTES,
    run(bytes) {
      const info = parseMetadataInfo(bytes.toString());
      if (info === undefined) return;
      const again = parseMetadataInfo(printMetadataInfo(info));
      mustBe(again?.services.length === info.services.length, "printed and read again it has other services");
    },
  },
  {
    name: "metadata info in protobuf",
    corpus: metadataInfos.map(encodeMetadataInfo),
    telling: [0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x32, 0x00, 0x7f, 0x80, 0xff],
    run(bytes) {
      const info = decodeMetadataInfo(bytes);
      if (info !== undefined) mustBe(info.services.length <= 100_000, "too many services");
    },
  },
  {
    name: "text of services",
    corpus: [
      Buffer.from(
        "services:\n- service: com.acme.Orders\n  group: g\n  endpoints:\n  - {address: 10.0.0.1, port: 20880, weight: 5}\n",
      ),
      Buffer.from(
        '{"services":[{"service":"orders","protocol":"http","endpoints":[{"address":"10.0.0.1","port":80}]}]}',
      ),
      Buffer.from(
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: a}\nspec:\n  hosts: [a.b]\n  ports: [{number: 80, name: http}]\n",
      ),
    ],
    telling: [..."-:{}[]#&*!|>'\"%@` \n"].map((letter) => letter.charCodeAt(0)),
    run: (bytes) => void readServicesText(bytes.toString(), "file"),
  },
]);
