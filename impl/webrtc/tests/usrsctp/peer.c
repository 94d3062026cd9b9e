/*
 * One end of an SCTP association by usrsctp, its packets in UDP datagrams on loopback.
 *
 * peer client|server LOCAL_PORT REMOTE_PORT INTERLEAVING
 *
 * It does what lines of its input say and tells on its output what happens:
 *
 *   send SID PPID UNORDERED RETRANSMITS SIZE FIRST COUNT   messages with numbers FIRST, FIRST + 1, ...
 *   reset SID | shutdown | abort | quit
 *
 * RETRANSMITS is -1 for a reliable message. Byte i of message n of SIZE bytes is 31 i + n + SIZE.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <usrsctp.h>

/* Not in the public header of every release. */
#define INTERLEAVING_SUPPORTED 0x00001206
#define BUFFER (4 * 1024 * 1024)
#define STREAMS 16
#define LONGEST (1024 * 1024)

static int udp;
static struct socket *listener, *association;
static pthread_mutex_t output = PTHREAD_MUTEX_INITIALIZER;
static int count;

/* A message that is not whole yet, for each stream and kind. */
static struct part {
	unsigned char *bytes;
	size_t length;
} parts[STREAMS][2];

#define SAY(...)                             \
	do {                                 \
		pthread_mutex_lock(&output); \
		printf(__VA_ARGS__);         \
		printf("\n");                \
		fflush(stdout);              \
		pthread_mutex_unlock(&output); \
	} while (0)

static void fail(const char *what)
{
	SAY("failed: %s", what);
	exit(1);
}

static int packet_out(void *address, void *bytes, size_t length, uint8_t tos, uint8_t set_df)
{
	(void)address, (void)tos, (void)set_df;
	return send(udp, bytes, length, 0) < 0 ? -1 : 0;
}

static void *packets_in(void *unused)
{
	static unsigned char bytes[65536];
	(void)unused;
	for (;;) {
		ssize_t length = recv(udp, bytes, sizeof bytes, 0);
		if (length > 0)
			usrsctp_conninput(&udp, bytes, (size_t)length, 0);
	}
	return NULL;
}

static uint32_t hash(const unsigned char *bytes, size_t length)
{
	uint32_t sum = 2166136261u;
	for (size_t i = 0; i < length; i++)
		sum = (sum ^ bytes[i]) * 16777619u;
	return sum;
}

static void notified(const union sctp_notification *event)
{
	switch (event->sn_header.sn_type) {
	case SCTP_ASSOC_CHANGE:
		switch (event->sn_assoc_change.sac_state) {
		case SCTP_COMM_UP:
			SAY("connected");
			break;
		case SCTP_COMM_LOST:
			SAY("lost");
			break;
		case SCTP_SHUTDOWN_COMP:
			SAY("shut down");
			break;
		case SCTP_CANT_STR_ASSOC:
			SAY("not connected");
			break;
		}
		break;
	case SCTP_STREAM_RESET_EVENT: {
		const struct sctp_stream_reset_event *reset = &event->sn_strreset_event;
		size_t streams = (reset->strreset_length - sizeof *reset) / sizeof(uint16_t);
		int incoming = (reset->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0;
		for (size_t i = 0; i < streams; i++)
			SAY("reset %s sid=%u flags=%x", incoming ? "incoming" : "outgoing",
			    reset->strreset_stream_list[i], reset->strreset_flags & 0xfffc);
		break;
	}
	}
}

static int received(struct socket *socket, union sctp_sockstore from, void *data, size_t length,
                    struct sctp_rcvinfo info, int flags, void *unused)
{
	(void)socket, (void)from, (void)unused;
	if (data == NULL)
		return 1;
	if (flags & MSG_NOTIFICATION) {
		notified(data);
	} else {
		int unordered = (info.rcv_flags & SCTP_UNORDERED) != 0;
		struct part *part = &parts[info.rcv_sid % STREAMS][unordered];
		if (part->bytes == NULL)
			part->bytes = malloc(LONGEST);
		if (part->bytes == NULL || part->length + length > LONGEST)
			fail("a message too long");
		memcpy(part->bytes + part->length, data, length);
		part->length += length;
		if (flags & MSG_EOR) {
			SAY("message %d sid=%u ppid=%u unordered=%d len=%zu hash=%08x", count++,
			    info.rcv_sid, ntohl(info.rcv_ppid), unordered, part->length,
			    hash(part->bytes, part->length));
			part->length = 0;
		}
	}
	free(data);
	return 1;
}

static void option(struct socket *socket, int level, int name, const void *value, socklen_t length)
{
	if (usrsctp_setsockopt(socket, level, name, value, length) != 0) {
		SAY("option %x", (unsigned)name);
		fail("an option was not taken");
	}
}

static void set_up(struct socket *socket, int interleaving)
{
	static const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT};
	struct sctp_assoc_value value = {.assoc_id = SCTP_ALL_ASSOC, .assoc_value = 1};
	struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_on = 1};
	struct sctp_initmsg init = {.sinit_num_ostreams = STREAMS, .sinit_max_instreams = STREAMS};
	int on = 1, buffer = BUFFER, level = interleaving ? 2 : 0;

	option(socket, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, &level, sizeof level);
	value.assoc_value = (uint32_t)interleaving;
	option(socket, IPPROTO_SCTP, INTERLEAVING_SUPPORTED, &value, sizeof value);
	value.assoc_value = SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ;
	option(socket, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &value, sizeof value);
	option(socket, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init);
	option(socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on);
	option(socket, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	option(socket, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
		event.se_type = events[i];
		option(socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event);
	}
}

static void send_messages(const char *line)
{
	unsigned sid, ppid, unordered, size, first, messages;
	int retransmits;
	if (sscanf(line, "%u %u %u %d %u %u %u", &sid, &ppid, &unordered, &retransmits, &size, &first,
	           &messages) != 7)
		fail("not understood");
	unsigned char *bytes = malloc(size);
	for (unsigned n = first; bytes != NULL && n < first + messages; n++) {
		struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
		for (unsigned i = 0; i < size; i++)
			bytes[i] = (unsigned char)(31 * i + n + size);
		spa.sendv_sndinfo.snd_sid = (uint16_t)sid;
		spa.sendv_sndinfo.snd_ppid = htonl(ppid);
		spa.sendv_sndinfo.snd_flags = SCTP_EOR | (unordered ? SCTP_UNORDERED : 0);
		if (retransmits >= 0) {
			spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
			spa.sendv_prinfo.pr_policy = SCTP_PR_SCTP_RTX;
			spa.sendv_prinfo.pr_value = (uint32_t)retransmits;
		}
		if (usrsctp_sendv(association, bytes, size, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA,
		                  0) != (ssize_t)size)
			fail("a message was not taken");
	}
	free(bytes);
}

static void reset_stream(const char *line)
{
	unsigned char room[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)];
	struct sctp_reset_streams *reset = (struct sctp_reset_streams *)room;
	memset(room, 0, sizeof room);
	reset->srs_flags = SCTP_STREAM_RESET_OUTGOING;
	reset->srs_number_streams = 1;
	reset->srs_stream_list[0] = (uint16_t)atoi(line);
	option(association, IPPROTO_SCTP, SCTP_RESET_STREAMS, room, sizeof room);
}

static void abort_association(void)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	option(association, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	usrsctp_close(association);
}

static void obey(void)
{
	char line[256];
	while (fgets(line, sizeof line, stdin) != NULL) {
		if (strncmp(line, "send ", 5) == 0)
			send_messages(line + 5);
		else if (strncmp(line, "reset ", 6) == 0)
			reset_stream(line + 6);
		else if (strncmp(line, "shutdown", 8) == 0)
			usrsctp_shutdown(association, SHUT_WR);
		else if (strncmp(line, "abort", 5) == 0)
			abort_association();
		else if (strncmp(line, "quit", 4) == 0)
			break;
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = {.sin_family = AF_INET}, there = {.sin_family = AF_INET};
	struct sockaddr_conn address = {.sconn_family = AF_CONN, .sconn_addr = &udp};
	pthread_t thread;

	if (argc != 5)
		fail("peer client|server LOCAL_PORT REMOTE_PORT INTERLEAVING");
	here.sin_port = htons((uint16_t)atoi(argv[2]));
	there.sin_port = htons((uint16_t)atoi(argv[3]));
	here.sin_addr.s_addr = there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	if (udp < 0 || bind(udp, (struct sockaddr *)&here, sizeof here) != 0 ||
	    connect(udp, (struct sockaddr *)&there, sizeof there) != 0)
		fail("no socket");
	usrsctp_init(0, packet_out, NULL);
	usrsctp_sysctl_set_sctp_blackhole(2);
	usrsctp_sysctl_set_sctp_sendspace(BUFFER);
	usrsctp_sysctl_set_sctp_recvspace(BUFFER);
	usrsctp_register_address(&udp);
	listener = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, received, NULL, 0, NULL);
	if (listener == NULL)
		fail("no association");
	set_up(listener, atoi(argv[4]));
	address.sconn_port = htons(5000);
	if (usrsctp_bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
		fail("bind");
	if (strcmp(argv[1], "server") == 0) {
		if (usrsctp_listen(listener, 1) != 0)
			fail("listen");
		pthread_create(&thread, NULL, packets_in, NULL);
		SAY("ready");
		association = usrsctp_accept(listener, NULL, NULL);
		if (association == NULL)
			fail("accept");
	} else {
		pthread_create(&thread, NULL, packets_in, NULL);
		association = listener;
		SAY("ready");
		if (usrsctp_connect(association, (struct sockaddr *)&address, sizeof address) != 0)
			fail("connect");
	}
	obey();
	return 0;
}
