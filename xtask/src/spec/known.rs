//! Facts for the index of documents that the texts on hand do not tell.

/// A document that is cited or likely to be, known by name alone.
pub(super) struct Known {
    pub(super) number: u32,
    pub(super) title: &'static str,
}

const fn known(number: u32, title: &'static str) -> Known {
    Known { number, title }
}

/// Documents beside those whose texts are read. A text, when there is one, takes precedence.
pub(super) const DOCUMENTS: &[Known] = &[
    known(768, "User Datagram Protocol"),
    known(791, "Internet Protocol"),
    known(792, "Internet Control Message Protocol"),
    known(919, "Broadcasting Internet Datagrams"),
    known(1034, "Domain names - concepts and facilities"),
    known(1035, "Domain names - implementation and specification"),
    known(1122, "Requirements for Internet Hosts - Communication Layers"),
    known(1191, "Path MTU discovery"),
    known(1321, "The MD5 Message-Digest Algorithm"),
    known(1624, "Computation of the Internet Checksum via Incremental Update"),
    known(1812, "Requirements for IP Version 4 Routers"),
    known(1858, "Security Considerations for IP Fragment Filtering"),
    known(1918, "Address Allocation for Private Internets"),
    known(1952, "GZIP file format specification version 4.3"),
    known(1982, "Serial Number Arithmetic"),
    known(2104, "HMAC: Keyed-Hashing for Message Authentication"),
    known(
        2474,
        "Definition of the Differentiated Services Field (DS Field) in the IPv4 and IPv6 Headers",
    ),
    known(2782, "A DNS RR for specifying the location of services (DNS SRV)"),
    known(3022, "Traditional IP Network Address Translator (Traditional NAT)"),
    known(3174, "US Secure Hash Algorithm 1 (SHA1)"),
    known(3261, "SIP: Session Initiation Protocol"),
    known(
        3279,
        "Algorithms and Identifiers for the Internet X.509 Public Key Infrastructure Certificate and Certificate Revocation List (CRL) Profile",
    ),
    known(3339, "Date and Time on the Internet: Timestamps"),
    known(
        3489,
        "STUN - Simple Traversal of User Datagram Protocol (UDP) Through Network Address Translators (NATs)",
    ),
    known(3629, "UTF-8, a transformation format of ISO 10646"),
    known(3986, "Uniform Resource Identifier (URI): Generic Syntax"),
    known(4193, "Unique Local IPv6 Unicast Addresses"),
    known(
        4231,
        "Identifiers and Test Vectors for HMAC-SHA-224, HMAC-SHA-256, HMAC-SHA-384, and HMAC-SHA-512",
    ),
    known(4291, "IP Version 6 Addressing Architecture"),
    known(
        4443,
        "Internet Control Message Protocol (ICMPv6) for the Internet Protocol Version 6 (IPv6) Specification",
    ),
    known(
        4571,
        "Framing Real-time Transport Protocol (RTP) and RTP Control Protocol (RTCP) Packets over Connection-Oriented Transport",
    ),
    known(4648, "The Base16, Base32, and Base64 Data Encodings"),
    known(4861, "Neighbor Discovery for IP version 6 (IPv6)"),
    known(5116, "An Interface and Algorithms for Authenticated Encryption"),
    known(5234, "Augmented BNF for Syntax Specifications: ABNF"),
    known(5351, "An Introduction to the NAT Port Mapping Protocol"),
    known(5480, "Elliptic Curve Cryptography Subject Public Key Information"),
    known(5681, "TCP Congestion Control"),
    known(5722, "Handling of Overlapping IPv6 Fragments"),
    known(
        5758,
        "Internet X.509 Public Key Infrastructure: Additional Algorithms and Identifiers for DSA and ECDSA",
    ),
    known(5905, "Network Time Protocol Version 4: Protocol and Algorithms Specification"),
    known(6052, "IPv6 Addressing of IPv4/IPv6 Translators"),
    known(
        6092,
        "Recommended Simple Security Capabilities in Customer Premises Equipment (CPE) for Providing Residential IPv6 Internet Service",
    ),
    known(
        6151,
        "Updated Security Considerations for the MD5 Message-Digest and the HMAC-MD5 Algorithms",
    ),
    known(6234, "US Secure Hash Algorithms (SHA and SHA-based HMAC and HKDF)"),
    known(6296, "IPv6-to-IPv6 Network Prefix Translation"),
    known(6298, "Computing TCP's Retransmission Timer"),
    known(
        6335,
        "Internet Assigned Numbers Authority (IANA) Procedures for the Management of the Service Name and Transport Protocol Port Number Registry",
    ),
    known(6598, "IANA-Reserved IPv4 Prefix for Shared Address Space"),
    known(6724, "Default Address Selection for Internet Protocol Version 6 (IPv6)"),
    known(6877, "464XLAT: Combination of Stateful and Stateless Translation"),
    known(
        6979,
        "Deterministic Usage of the Digital Signature Algorithm (DSA) and Elliptic Curve Digital Signature Algorithm (ECDSA)",
    ),
    known(7050, "Discovery of the IPv6 Prefix Used for IPv6 Address Synthesis"),
    known(7269, "NAT64 Deployment Options and Experience"),
    known(7422, "Deterministic Address Mapping to Reduce Logging in Carrier-Grade NAT Deployments"),
    known(7616, "HTTP Digest Access Authentication"),
    known(7915, "IP/ICMP Translation Algorithm"),
    known(8016, "Mobility with Traversal Using Relays around NAT (TURN)"),
    known(8017, "PKCS #1: RSA Cryptography Specifications Version 2.2"),
    known(8200, "Internet Protocol, Version 6 (IPv6) Specification"),
    known(8201, "Path MTU Discovery for IP version 6"),
    known(8257, "Data Center TCP (DCTCP): TCP Congestion Control for Data Centers"),
    known(
        8265,
        "Preparation, Enforcement, and Comparison of Internationalized Strings Representing Usernames and Passwords",
    ),
    known(8305, "Happy Eyeballs Version 2: Better Connectivity Using Concurrency"),
    known(8311, "Relaxing Restrictions on Explicit Congestion Notification (ECN) Experimentation"),
    known(8439, "ChaCha20 and Poly1305 for IETF Protocols"),
    known(8448, "Example Handshake Traces for TLS 1.3"),
    known(8504, "IPv6 Node Requirements"),
    known(8553, "DNS AttrLeaf Changes: Fixing Specifications That Use Underscored Node Names"),
    known(8781, "Discovering PREF64 in Router Advertisements"),
    known(8880, "Special Use Domain Name 'ipv4only.arpa'"),
    known(8981, "Temporary Address Extensions for Stateless Address Autoconfiguration in IPv6"),
    known(9293, "Transmission Control Protocol (TCP)"),
    known(
        9325,
        "Recommendations for Secure Use of Transport Layer Security (TLS) and Datagram Transport Layer Security (DTLS)",
    ),
    known(9335, "Completely Encrypting RTP Header Extensions and Contributing Sources"),
    known(9429, "JavaScript Session Establishment Protocol (JSEP)"),
    known(9438, "CUBIC for Fast and Long-Distance Networks"),
    known(9443, "Multiplexing Scheme Updates for QUIC"),
    known(9525, "Service Identity in TLS"),
    known(9653, "Zero Checksum for the Stream Control Transmission Protocol"),
];

/// Older document and the one that obsoletes it, where the header of a text at hand may not say so.
pub(super) const REPLACED: &[(u32, u32)] = &[
    (793, 9293),
    (3489, 5389),
    (4566, 8866),
    (4572, 8122),
    (4941, 8981),
    (4960, 9260),
    (5245, 8445),
    (5285, 8285),
    (5389, 8489),
    (5766, 8656),
    (6125, 9525),
    (6222, 7022),
    (7525, 9325),
    (8829, 9429),
    (8843, 9143),
];
