import type { KeyShape, Shape } from "./document.ts";

const text: Shape = { type: "string" };
const texts: Shape = { type: "list", items: text };

/** A key whose part of Trestle is not there yet. */
const notYet: KeyShape = { shape: text, doc: "", refused: "is not supported yet; leave it out" };

const auth: KeyShape = {
  shape: {
    type: "map",
    keys: {
      username: {
        shape: text,
        required: true,
        doc: "user of Trestle's own sessions; ZooKeeper's digest, Nacos' login",
      },
      password: { shape: text, doc: "", refused: "may not stand in the file; use passwordFile or passwordEnv" },
      passwordFile: { shape: text, doc: "file that holds the password" },
      passwordEnv: { shape: text, doc: "environment variable that holds the password" },
    },
  },
  doc: "credentials of Trestle's own session; clients of a facade always use their own",
};

const registry: Readonly<Record<string, KeyShape>> = {
  name: { shape: text, doc: "name in listings, metrics and facades", default: "scheme and address of the URL" },
  url: {
    shape: text,
    required: true,
    doc: "zookeeper://host:port,host:port/chroot?root=/dubbo; the port is 2181 unless given",
  },
  auth,
};

const metadata: Readonly<Record<string, KeyShape>> = {
  name: { shape: text, doc: "name in logs and findings", default: "scheme and address of the URL" },
  url: {
    shape: text,
    required: true,
    doc: "nacos://host:port,host:port/nacos?namespace=ID&group=dubbo; the port is 8848, the path /nacos, the group dubbo unless given",
  },
  auth,
};

const facade: Readonly<Record<string, KeyShape>> = {
  url: { shape: text, required: true, doc: "zookeeper://address:port to listen on" },
  registry: {
    shape: text,
    doc: "name of the registry behind it",
    default: "the only registry, else the n-th registry for the n-th facade",
  },
  take: {
    shape: {
      type: "map",
      keys: {
        services: {
          shape: texts,
          doc: "interfaces, or keys group/interface:version, that are led through the proxy; * for any run of characters",
          default: '["*"]',
        },
        applications: { shape: texts, doc: "provider applications that are led through the proxy", default: '["*"]' },
      },
    },
    doc: "what is led through the proxy; all else passes unchanged",
  },
  allow: { shape: texts, doc: "addresses and CIDR ranges that may connect", default: "everybody" },
  tls: notYet,
};

const proxy: Readonly<Record<string, KeyShape>> = {
  host: { shape: text, doc: "address that facades hand out to consumers, without a port", default: "127.0.0.1" },
  bind: { shape: text, doc: "address that the proxy listens on", default: "proxy.host" },
  advertise: {
    shape: texts,
    doc: "addresses of other instances to hand out beside it: host:port for Dubbo2, tri://host:port for Triple",
    default: "[]",
  },
  dubbo: {
    shape: { type: "list", items: { type: "port" } },
    doc: "Dubbo2 ports, one worker process each",
    default: "[20880, 20881]",
  },
  tri: {
    shape: { type: "ports" },
    doc: "Triple ports of the same workers: the first worker's, from which the others count up, or a list with one for each; [] for no Triple",
    default: "50051",
  },
  http: {
    shape: {
      type: "map",
      keys: {
        from: { shape: { type: "port" }, required: true, doc: "first port" },
        to: { shape: { type: "port" }, required: true, doc: "last port" },
      },
    },
    doc: "ports of the first worker for services that speak HTTP (ServiceEntry objects): each has one, by a hash of its name; trestle services shows it",
    default: "{from: 31000, to: 31999}",
  },
  tls: notYet,
};

/** Every key of trestle.yaml. */
export const CONFIG_KEYS: Readonly<Record<string, KeyShape>> = {
  registries: {
    shape: { type: "list", items: { type: "map", keys: registry } },
    doc: "registries to mirror",
    default: "one embedded registry, in memory",
  },
  facades: {
    shape: { type: "list", items: { type: "map", keys: facade } },
    doc: "addresses that speak a registry's protocol to applications",
    default: "none",
  },
  proxy: { shape: { type: "map", keys: proxy }, doc: "the data plane" },
  rules: {
    shape: { ...texts, type: "list", items: text, orSingle: true },
    doc: "files and folders with rules, watched",
    default: "[]",
  },
  metadata: {
    shape: { type: "list", items: { type: "map", keys: metadata } },
    doc: "metadata centres in Nacos, whose reports say the types of calls; reports in ZooKeeper are read with the registry",
    default: "[]",
  },
  protos: {
    shape: { ...texts, type: "list", items: text, orSingle: true },
    doc: "files and folders of .proto files and descriptor sets (.pb, .desc, .protoset) that say the types of gRPC calls, watched; imports are looked for in the folders and beside each file",
    default: "[]",
  },
  outputs: {
    shape: {
      type: "list",
      items: {
        type: "map",
        keys: {
          files: { shape: text, required: true, doc: "folder that gets one ServiceEntry file per service" },
          kubernetes: notYet,
          mcp: notYet,
          xds: notYet,
        },
      },
    },
    doc: "where entries are written",
    default: "[]",
  },
  admin: { shape: text, doc: "address (host:port) that the admin API listens on", default: "127.0.0.1:15000" },
  naming: notYet,
  tls: notYet,
};

/** One row of `trestle config --explain`. */
export interface ExplainedKey {
  readonly key: string;
  readonly meaning: string;
  readonly default: string;
}

/** All keys with meaning and default, in order. */
export function explainKeys(keys = CONFIG_KEYS, prefix = ""): ExplainedKey[] {
  return Object.entries(keys).flatMap(([name, key]) => {
    if (key.refused !== undefined) return [];
    const path = `${prefix}${name}`;
    const row = { key: path, meaning: key.doc, default: key.default ?? (key.required === true ? "(required)" : "") };
    const shape = key.shape.type === "list" ? key.shape.items : key.shape;
    if (shape.type !== "map") return [row];
    return [row, ...explainKeys(shape.keys, `${path}${key.shape.type === "list" ? "[]" : ""}.`)];
  });
}
