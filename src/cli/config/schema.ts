import { DEFAULT_MESH } from "../../model/mesh.ts";
import { NAMING_STYLES } from "../../registry-sync/naming/naming-styles.ts";
import { CA_KEYS } from "./ca.ts";
import { CALLER_KEYS } from "./callers.ts";
import { CONTROL_TLS_KEYS } from "./control.ts";
import type { KeyShape, Shape } from "./document.ts";
import { PROVIDER_KEYS } from "./extension-providers.ts";
import { inboundKeys } from "./inbound.ts";
import { GUARD_KEYS, SHAPING_KEYS } from "./shaping.ts";

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
        doc: "user of Trestle's own sessions; ZooKeeper's digest, Nacos' login, Eureka's basic authentication",
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
    doc: "zookeeper://, nacos:// or eureka://host:port,host:port/path?name=value, the ports 2181, 8848 and 8761 unless given; kubernetes://KUBECONFIG, file://PATH, memory://NAME",
  },
  auth,
  ...SHAPING_KEYS,
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
  url: {
    shape: text,
    required: true,
    doc: "zookeeper://, nacos:// or eureka://address:port to listen on; Nacos' gRPC is 1,000 above the port",
  },
  registry: {
    shape: text,
    doc: "name of the registry behind it",
    default: "the only registry of its scheme, else the n-th of it for the n-th facade of it",
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
  pass: {
    shape: {
      type: "map",
      keys: {
        services: { shape: texts, doc: "services whose real addresses are shown; as in take", default: "[]" },
        clients: {
          shape: texts,
          doc: "clients who are shown real addresses: addresses, CIDR ranges, or names of applications with * for any run of characters",
          default: "[]",
        },
      },
    },
    doc: "who is shown real addresses although take takes it: those who use the list for other ends than calls",
  },
  allow: { shape: texts, doc: "addresses and CIDR ranges that may connect", default: "everybody" },
  hosts: {
    shape: text,
    doc: "what the host of a led HTTP service is: the proxy's address, or (name) the service's name, where applications resolve it to the proxy",
    default: "address",
  },
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
    doc: "ports of the first worker for services that speak HTTP, of registries and ServiceEntry objects: each has one, by a hash of its name; trestle services shows it",
    default: "{from: 31000, to: 31999}",
  },
  httpPort: {
    shape: { type: "port" },
    doc: "one port for all services that speak HTTP, each named by its host as Host or as the target that an HTTP proxy is asked for; also of trestle proxy",
    default: "none",
  },
  inbound: {
    shape: { type: "list", items: { type: "map", keys: inboundKeys } },
    doc: "providers that the proxy stands in front of: callers come by mutual TLS, or in plain text where PeerAuthentication lets them",
    default: "[]",
  },
  labels: {
    shape: { type: "table", values: { type: "text" } },
    doc: "labels of the proxies, for rules that select workloads by them",
    default: "{}",
  },
  serviceAccount: {
    shape: text,
    doc: "service account of the proxies, the last part of their identity",
    default: "default",
  },
  locality: {
    shape: text,
    doc: "where the proxies run, as region/zone/subzone: for rules that prefer near endpoints",
    default: "not known",
  },
  tls: notYet,
};

const mesh: Readonly<Record<string, KeyShape>> = {
  namespace: {
    shape: text,
    doc: "namespace of the services that registries know, and of the proxies",
    default: DEFAULT_MESH.namespace,
  },
  rootNamespace: {
    shape: text,
    doc: "namespace whose Sidecar and security objects hold for all namespaces",
    default: DEFAULT_MESH.rootNamespace,
  },
  trustDomain: { shape: text, doc: "trust domain of the identities in the mesh", default: DEFAULT_MESH.trustDomain },
  trustDomainAliases: {
    shape: { type: "list", items: text },
    doc: "other trust domains whose identities are taken like those of trustDomain, as in Istio's MeshConfig",
    default: "none",
  },
  extensionProviders: {
    shape: { type: "list", items: { type: "map", keys: PROVIDER_KEYS } },
    doc: "external authorization servers, for AuthorizationPolicies of action CUSTOM, as in Istio's MeshConfig",
    default: "none",
  },
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
  mesh: { shape: { type: "map", keys: mesh }, doc: "what holds for the mesh as a whole" },
  ca: {
    shape: { type: "map", keys: CA_KEYS },
    doc: "the certificate authority of the mesh: gives identities, for mTLS between proxies; {} for all defaults",
    default: "none",
  },
  callers: {
    shape: { type: "list", items: { type: "map", keys: CALLER_KEYS } },
    doc: "callers without a certificate that count as an identity, for policies at the proxy that they call",
    default: "[]",
  },
  rules: {
    shape: { ...texts, type: "list", items: text, orSingle: true },
    doc: "files and folders with rules, and kubernetes://KUBECONFIG?context=NAME&namespace=a,b&status=off&policies=optional for the objects of a cluster; watched",
    default: "[]",
  },
  credentials: {
    shape: text,
    doc: "folder with a folder for each credentialName of rules, each with tls.crt, tls.key and ca.crt as Kubernetes mounts a Secret, or kubernetes://KUBECONFIG?namespace=NAME for the Secrets of a namespace; watched",
    default: "none",
  },
  credentialReaders: {
    shape: { type: "list", items: text },
    doc: "identities of proxies elsewhere that may be given the keys of credentials, NAMESPACE/ACCOUNT or NAMESPACE/*; beside those that may read the Secret in the cluster",
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
          files: { shape: text, doc: "folder that gets one ServiceEntry file per service" },
          kubernetes: notYet,
          mcp: notYet,
          xds: {
            shape: { type: "string", what: "host:port, such as 0.0.0.0:15011" },
            doc: "address (host:port) where Envoy, proxyless gRPC, dubbo-xds and Trestle proxies get their configuration by xDS",
          },
        },
      },
    },
    doc: "where entries are written and xDS is served; each item is of one kind",
    default: "[]",
  },
  control: {
    shape: {
      type: "map",
      keys: {
        servers: {
          shape: texts,
          doc: "host:port of the xDS servers that trestle proxy is configured by; the next one is asked where one is out of reach",
          default: "[]",
        },
        tls: {
          shape: { type: "map", keys: CONTROL_TLS_KEYS },
          doc: "TLS to the servers, and a certificate of the mesh from them (their ca.listen)",
        },
      },
    },
    doc: "where a proxy on a host of its own gets its configuration",
  },
  admin: {
    shape: { type: "string", what: "host:port, such as 127.0.0.1:15000" },
    doc: "address (host:port) that the admin API listens on",
    default: "127.0.0.1:15000",
  },
  naming: {
    shape: text,
    doc: `how services are called, so that rules written for another synchronizer fit: ${NAMING_STYLES.join(", ")}`,
    default: "trestle",
  },
  guard: { shape: { type: "map", keys: GUARD_KEYS }, doc: "how sudden losses are held, for all registries" },
  data: {
    shape: text,
    doc: "folder that keeps what was last known, for a start while registries are down, and the audit log",
    default: "none",
  },
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
    if (shape.type !== "map" || key.sameAs !== undefined) return [row];
    return [row, ...explainKeys(shape.keys, `${path}${key.shape.type === "list" ? "[]" : ""}.`)];
  });
}
