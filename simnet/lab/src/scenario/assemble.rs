//! From a scenario to the description of a network.

use simnet::{Attach, Builder, Network};

use super::{Interface, Scenario};
use crate::presets;

/// The network of a scenario that was checked. What a check would have refused is left out.
pub(crate) fn assemble(scenario: &Scenario) -> Builder {
    let mut builder = Network::builder(scenario.seed);
    for wan in &scenario.wans {
        builder = builder.wan(&wan.name, &wan.prefixes.join(" "));
    }
    for lan in &scenario.lans {
        let prefixes = lan.prefixes.join(" ");
        builder = if lan.isolated {
            builder.isolated_lan(&lan.name, &prefixes)
        } else {
            builder.lan(&lan.name, &prefixes)
        };
    }
    for router in &scenario.routers {
        let points: Vec<_> = router.attach.iter().map(|point| &point.0).collect();
        builder = builder.router(&router.name, attach(&points));
    }
    for (kind, _, it) in scenario.boxes() {
        let Ok(middlebox) = presets::middlebox(kind, it) else { continue };
        let inside = Interface { addrs: it.inside_addrs.clone(), ..Interface::on(&it.inside) };
        let outside = Interface { addrs: it.outside_addrs.clone(), ..Interface::on(&it.outside) };
        builder = builder.middlebox(&it.name, attach(&[&inside, &outside]), middlebox);
    }
    for host in &scenario.hosts {
        let points: Vec<_> = host.interfaces.iter().collect();
        let mut plan = simnet::Host::attached(attach(&points));
        if let Some(gateway) = &host.gateway {
            plan = plan.gateway(gateway);
        }
        if host.silent {
            plan = plan.silent();
        }
        if let Some(clock) = host.clock {
            plan = plan.clock(clock);
        }
        if let Some(firewall) = &host.firewall {
            plan = plan.firewall(firewall.clone());
        }
        builder = builder.host(&host.name, host.role.live_on(plan, &host.name, scenario));
    }
    for link in &scenario.links {
        let (one, other) = (&link.between.0, &link.between.1);
        if let (Ok(up), Ok(down)) = (presets::link(link, "up"), presets::link(link, "down")) {
            builder = builder.link_from(one, other, up).link_from(other, one, down);
        }
    }
    builder
}

fn attach(interfaces: &[&Interface]) -> Attach {
    let mut attach = Attach::default();
    for interface in interfaces {
        attach = attach.and_to(&interface.attach).kind(interface.kind.into());
        if let Some(name) = &interface.name {
            attach = attach.named(name);
        }
        for ip in &interface.addrs {
            attach = attach.address(ip);
        }
        if let Some(mtu) = interface.mtu {
            attach = attach.mtu(mtu);
        }
        if interface.down {
            attach = attach.down();
        }
    }
    attach
}
