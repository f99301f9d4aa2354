import type { SerializationGuardConfig } from "../../codecs/xds/serialization-guard.ts";
import type { SerializationGuard } from "../../model/rules/serialization-guard.ts";

/**
 * Classes that no business call has and that published attacks on Dubbo's and Hessian's readers are made of: they look names up, load or
 * compile code, start processes, or call what they are told to when they are compared, hashed or printed (CVE-2019-17564, CVE-2020-1948,
 * CVE-2020-11995, CVE-2021-43297, CVE-2022-39198, CVE-2023-23638 and the gadgets that their reports name).
 */
export const DENIED_CLASSES: readonly string[] = [
  ..."java.lang.Class java.lang.ClassLoader java.lang.Process* java.lang.Runtime java.lang.Shutdown java.lang.Thread* java.lang.System".split(
    " ",
  ),
  ..."java.lang.invoke.* java.lang.reflect.* java.beans.* java.rmi.* java.security.* java.net.URLClassLoader java.net.URL".split(
    " ",
  ),
  ..."java.util.ServiceLoader* java.util.jar.* java.util.zip.* java.util.logging.* java.util.prefs.* java.util.concurrent.ForkJoin*".split(
    " ",
  ),
  ..."javax.activation.* javax.imageio.* javax.management.* javax.media.* javax.naming.* javax.print.* javax.script.* javax.sql.* javax.swing.*".split(
    " ",
  ),
  ..."javax.xml.transform.* javax.el.* jdk.nashorn.* jdk.internal.* sun.* com.sun.*".split(" "),
  ..."bsh.* clojure.* groovy.* org.codehaus.groovy.* org.mozilla.javascript.* org.python.* org.jruby.* org.mvel2.* ognl.* freemarker.*".split(
    " ",
  ),
  ..."com.caucho.naming.* com.caucho.config.* com.ibatis.* com.mchange.* com.rometools.* com.sun.syndication.* com.zaxxer.*".split(
    " ",
  ),
  ..."com.alibaba.citrus.* com.alibaba.druid.* com.opensymphony.*".split(" "),
  ..."com.p6spy.* com.taobao.vipserver.* com.teradata.* com.vaadin.* net.bytebuddy.* net.sf.cglib.* net.sf.ehcache.* oracle.jdbc.*".split(
    " ",
  ),
  ..."org.aopalliance.* org.apache.axis2.* org.apache.bcel.* org.apache.catalina.* org.apache.commons.beanutils.*".split(
    " ",
  ),
  ..."org.apache.commons.collections.* org.apache.commons.collections4.* org.apache.commons.configuration* org.apache.commons.dbcp*".split(
    " ",
  ),
  ..."org.apache.commons.fileupload.* org.apache.ibatis.* org.apache.openjpa.* org.apache.shiro.* org.apache.tomcat.* org.apache.velocity.*".split(
    " ",
  ),
  ..."org.apache.wicket.* org.apache.xalan.* org.apache.xbean.* org.apache.xpath.* org.aspectj.* org.codehaus.jackson.* org.datanucleus.*".split(
    " ",
  ),
  ..."org.eclipse.jetty.* org.geotools.* org.hibernate.engine.* org.hibernate.jmx.* org.hibernate.property.* org.hibernate.tuple.* org.hibernate.type.* org.javassist.* javassist.* org.jboss.* org.jdom* org.logicalcobwebs.*".split(
    " ",
  ),
  ..."org.springframework.aop.* org.springframework.beans.* org.springframework.context.* org.springframework.core.* org.springframework.expression.*".split(
    " ",
  ),
  ..."org.springframework.jdbc.* org.springframework.jndi.* org.springframework.scheduling.* org.springframework.scripting.*".split(
    " ",
  ),
  ..."org.springframework.transaction.* org.springframework.web.* org.thymeleaf.* org.yaml.snakeyaml.* ch.qos.logback.* org.apache.log4j.* org.apache.logging.*".split(
    " ",
  ),
  ..."com.alibaba.dubbo.config.* org.apache.dubbo.config.* com.alibaba.dubbo.rpc.* org.apache.dubbo.rpc.* com.alibaba.dubbo.registry.* org.apache.dubbo.registry.*".split(
    " ",
  ),
];

/** What Dubbo's applications send beside classes of their own; allowed wherever anything is allowed by name. */
const ALWAYS_ALLOWED = [
  ..."java.lang.* java.math.* java.sql.Date java.sql.Time java.sql.Timestamp java.time.* java.util.*".split(" "),
  ..."com.caucho.hessian.io.* com.alibaba.com.caucho.hessian.io.* com.alibaba.fastjson2.*".split(" "),
  ..."org.apache.dubbo.common.beanutil.JavaBeanDescriptor com.alibaba.dubbo.common.beanutil.JavaBeanDescriptor".split(
    " ",
  ),
];

/** What all guards of a service ask together: classes that any denies are denied, and the least of bounds holds. On trial only if all are. */
export function compileSerializationGuard(guards: readonly SerializationGuard[]): SerializationGuardConfig {
  const enforced = guards.filter(({ dryRun }) => !dryRun);
  const chosen = enforced.length > 0 ? enforced : guards;
  const allow = chosen.flatMap(({ allowClasses }) => allowClasses);
  const least = (bounds: readonly (number | undefined)[]): number | undefined => {
    const set = bounds.filter((bound) => bound !== undefined);
    return set.length === 0 ? undefined : Math.min(...set);
  };
  const maxBodyBytes = least(chosen.map((guard) => guard.maxBodyBytes));
  const maxDepth = least(chosen.map((guard) => guard.maxDepth));
  return {
    deny: [
      ...(chosen.some(({ defaults }) => defaults) ? DENIED_CLASSES : []),
      ...chosen.flatMap(({ denyClasses }) => denyClasses),
    ],
    allow: allow.length === 0 ? [] : [...allow, ...ALWAYS_ALLOWED],
    ...(maxBodyBytes !== undefined && { maxBodyBytes }),
    ...(maxDepth !== undefined && { maxDepth }),
    ...(enforced.length === 0 && { dryRun: true as const }),
  };
}
