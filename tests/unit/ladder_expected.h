/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What test_ladder.c wants drawn.  TCPSTATE_PRINT=1 build/unit/test_ladder prints what
 * is; look at it before it becomes what must be.
 */
#ifndef TCPSTATE_TEST_LADDER_EXPECTED_H
#define TCPSTATE_TEST_LADDER_EXPECTED_H

#define FOUR \
	"7 8  nc[100] 10.0.1.5:40000 -> srv[200] 10.0.3.17:9999\n" \
	"  x = 1000   u = 1313 = x+313\n" \
	"  y = 2000   v = 2001   w = 2001 = y+1\n" \
	"CLOSE                 │                                  │ LISTEN\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│ SYN_RECV     +1.000ms\n" \
	"ESTABLISHED  +2.000ms │◀──────── SYN,ACK seq=y ack=x+1 ──│              +1.000ms\n" \
	"             +2.000ms │── ACK seq=x+1 ack=y+1 ──────────▶│ ESTABLISHED  +3.000ms\n" \
	"                      │══ 312 B in 4 segments ══════════▶│\n" \
	"FIN_WAIT1    +50.00ms │── FIN seq=u ────────────────────▶│ CLOSE_WAIT   +51.00ms\n" \
	"FIN_WAIT2    +52.00ms │◀──────────── ACK seq=v ack=u+1 ──│              +51.00ms\n" \
	"TIME_WAIT    +91.00ms │◀──────────────────── FIN seq=w ──│ LAST_ACK     +90.00ms\n" \
	"             +91.00ms │── ACK seq=u+1 ack=w+1 ──────────▶│ CLOSE        +92.00ms\n" \
	"CLOSE        +61.000s │ TIME_WAIT 60s, tw_expired        │\n" \
	"  textbook: yes\n" \
	"  end: client closed first, 4 segments, TIME_WAIT 60s\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: normal client\n" \
	"  moves of the server: normal server\n" \
	"  CLOSE first: server, 60s before the client\n"

#define EXERCISE \
	"7 8  nc[100] 10.0.1.5:40000 -> srv[200] 10.0.3.17:9999\n" \
	"  x = 100   u = 413 = x+313\n" \
	"  y = 200   v = 201   w = 201 = y+1\n" \
	"CLOSE                 |                                  | LISTEN\n" \
	"SYN_SENT     +0.000ms |-- SYN seq=100 ------------------>| SYN_RECV     +1.000ms\n" \
	"ESTABLISHED  +2.000ms |<------ SYN,ACK seq=200 ack=101 --|              +1.000ms\n" \
	"             +2.000ms |-- ACK seq=101 ack=201 ---------->| ESTABLISHED  +3.000ms\n" \
	"                      |== 312 B in 4 segments ==========>|\n" \
	"FIN_WAIT1    +50.00ms |-- FIN seq=413 ------------------>| CLOSE_WAIT   +51.00ms\n" \
	"FIN_WAIT2    +52.00ms |<---------- ACK seq=201 ack=414 --|              +51.00ms\n" \
	"TIME_WAIT    +91.00ms |<------------------ FIN seq=201 --| LAST_ACK     +90.00ms\n" \
	"             +91.00ms |-- ACK seq=414 ack=202 ---------->| CLOSE        +92.00ms\n" \
	"CLOSE        +61.000s | TIME_WAIT 60s, tw_expired        |\n" \
	"  textbook: yes\n" \
	"  end: client closed first, 4 segments, TIME_WAIT 60s\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: normal client\n" \
	"  moves of the server: normal server\n" \
	"  CLOSE first: server, 60s before the client\n"

#define CLIENT_ALONE \
	"7  nc[100] 10.0.1.5:40000 -> 10.0.3.17:9999\n" \
	"  x = 1000   u = 1313 = x+313\n" \
	"  y = 2000   v = 2001   w = 2001 = y+1\n" \
	"CLOSE                 │                                  │ (LISTEN)\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│ (SYN_RECV)\n" \
	"ESTABLISHED  +2.000ms │◀──────── SYN,ACK seq=y ack=x+1 ──│\n" \
	"             +2.000ms │── ACK seq=x+1 ack=y+1 ──────────▶│ (ESTABLISHED)\n" \
	"                      │══ 312 B in 4 segments ══════════▶│\n" \
	"FIN_WAIT1    +50.00ms │── FIN seq=u ────────────────────▶│ (CLOSE_WAIT)\n" \
	"FIN_WAIT2    +52.00ms │◀──────────── ACK seq=v ack=u+1 ──│\n" \
	"TIME_WAIT    +91.00ms │◀──────────────────── FIN seq=w ──│ (LAST_ACK)\n" \
	"             +91.00ms │── ACK seq=u+1 ack=w+1 ──────────▶│ (CLOSE)\n" \
	"CLOSE        +61.000s │ TIME_WAIT 60s, tw_expired        │\n" \
	"  textbook: yes\n" \
	"  end: client closed first, 4 segments, TIME_WAIT 60s\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: normal client\n"

#define SERVER_ALONE \
	"8  10.0.1.5:40000 -> srv[200] 10.0.3.17:9999\n" \
	"  x = 1000   u = 1313 = x+313\n" \
	"  y = 2000   v = 2001   w = 2001 = y+1\n" \
	"(CLOSE)               │                                  │ LISTEN\n" \
	"(SYN_SENT)            │── SYN seq=x ────────────────────▶│ SYN_RECV     +0.000ms\n" \
	"(ESTABLISHED)         │◀──────── SYN,ACK seq=y ack=x+1 ──│              +0.000ms\n" \
	"                      │── ACK seq=x+1 ack=y+1 ──────────▶│ ESTABLISHED  +2.000ms\n" \
	"                      │══ 312 B in 4 segments ══════════▶│\n" \
	"(FIN_WAIT1)           │── FIN seq=u ────────────────────▶│ CLOSE_WAIT   +50.00ms\n" \
	"(FIN_WAIT2)           │◀──────────── ACK seq=v ack=u+1 ──│              +50.00ms\n" \
	"(TIME_WAIT)           │◀──────────────────── FIN seq=w ──│ LAST_ACK     +89.00ms\n" \
	"                      │── ACK seq=u+1 ack=w+1 ──────────▶│ CLOSE        +91.00ms\n" \
	"  textbook: yes\n" \
	"  end: client closed first, 4 segments\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the server: normal server\n"

#define REFUSED \
	"7  nc[100] 10.0.1.5:40000 -> 10.0.3.17:9999\n" \
	"  x = 1000\n" \
	"CLOSE                 │                                  │ (CLOSE)\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│\n" \
	"CLOSE        +1.000ms │◀────────────────────────── RST ──│\n" \
	"  textbook: no, a RST\n" \
	"  end: nobody closed, refused\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: unusual, SYN_SENT -> CLOSE\n"

#define SYN_LOST \
	"7 8  nc[100] 10.0.1.5:40000 -> srv[200] 10.0.3.17:9999\n" \
	"  x = 1000\n" \
	"  y = 2000\n" \
	"CLOSE                 │                                  │ LISTEN\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────✗│\n" \
	"              +1.000s │── SYN seq=x again ──────────────▶│ SYN_RECV      +1.001s\n" \
	"ESTABLISHED   +1.002s │◀──────── SYN,ACK seq=y ack=x+1 ──│               +1.001s\n" \
	"              +1.002s │── ACK seq=x+1 ack=y+1 ──────────▶│ ESTABLISHED   +1.003s\n" \
	"CLOSE         +1.051s │◀────────────────────────── RST ──│ CLOSE         +1.050s\n" \
	"  textbook: no, something was sent again\n" \
	"  end: server closed first, RST received\n" \
	"  sent again: SYN 1, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: unusual, ESTABLISHED -> CLOSE\n" \
	"  moves of the server: unusual, ESTABLISHED -> CLOSE\n" \
	"  CLOSE first: server, 1.00ms before the client\n"

#define NEVER_ANSWERED \
	"7  nc[100] 10.0.1.5:40000 -> 10.0.3.17:9999\n" \
	"  x = 1000\n" \
	"CLOSE                 │                                  │\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│\n" \
	"              +1.000s │── SYN seq=x again ──────────────▶│\n" \
	"              +3.000s │── SYN seq=x again ──────────────▶│\n" \
	"CLOSE         +7.000s │ timeout, syn                     │\n" \
	"  textbook: no, something was sent again\n" \
	"  end: nobody closed, timeout, 3 SYNs sent\n" \
	"  sent again: SYN 2, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: unusual, SYN_SENT -> CLOSE\n"

#define SIMULTANEOUS_CLOSE \
	"7 8  nc[100] 10.0.1.5:40000 -> srv[200] 10.0.3.17:9999\n" \
	"  x = 1000   u = 1001 = x+1\n" \
	"  y = 2000   w = 2001 = y+1\n" \
	"CLOSE                 │                                  │ LISTEN\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│ SYN_RECV     +1.000ms\n" \
	"ESTABLISHED  +2.000ms │◀──────── SYN,ACK seq=y ack=x+1 ──│              +1.000ms\n" \
	"             +2.000ms │── ACK seq=x+1 ack=y+1 ──────────▶│ ESTABLISHED  +3.000ms\n" \
	"FIN_WAIT1    +50.00ms │── FIN seq=u ────────────────────…│\n" \
	"CLOSING      +55.00ms │◀──────────────────── FIN seq=w ──│ FIN_WAIT1    +50.00ms\n" \
	"                      │…… FIN seq=u ────────────────────▶│ CLOSING      +55.00ms\n" \
	"             +55.00ms │── ACK seq=u+1 ack=w+1 ──────────…│\n" \
	"TIME_WAIT    +60.00ms │◀────────── ACK seq=w+1 ack=u+1 ──│              +55.00ms\n" \
	"                      │…… ACK seq=u+1 ack=w+1 ──────────▶│ TIME_WAIT    +60.00ms\n" \
	"  textbook: yes\n" \
	"  end: both closed at once, simultaneous\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: unusual, FIN_WAIT1 -> CLOSING\n" \
	"  moves of the server: unusual, FIN_WAIT1 -> CLOSING\n"

#define SIMULTANEOUS_ALONE \
	"7  nc[100] 10.0.1.5:40000 -> 10.0.3.17:9999\n" \
	"  x = 1000   u = 1001 = x+1\n" \
	"  y = 2000   w = 2001 = y+1\n" \
	"CLOSE                 │                                  │ (LISTEN)\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│ (SYN_RECV)\n" \
	"ESTABLISHED  +2.000ms │◀──────── SYN,ACK seq=y ack=x+1 ──│\n" \
	"             +2.000ms │── ACK seq=x+1 ack=y+1 ──────────▶│ (ESTABLISHED)\n" \
	"FIN_WAIT1    +50.00ms │── FIN seq=u ────────────────────▶│\n" \
	"CLOSING      +55.00ms │◀──────────────────── FIN seq=w ──│ (CLOSING)\n" \
	"             +55.00ms │── ACK seq=u+1 ack=w+1 ──────────▶│ (TIME_WAIT)\n" \
	"TIME_WAIT    +60.00ms │◀────────── ACK seq=w+1 ack=u+1 ──│\n" \
	"  textbook: yes\n" \
	"  end: both closed at once, simultaneous\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: unusual, FIN_WAIT1 -> CLOSING\n"

#define ANSWER_LOST \
	"7 8  nc[100] 10.0.1.5:40000 -> 10.0.3.17:9999\n" \
	"  x = 1000\n" \
	"  y = 2000\n" \
	"CLOSE                 │                                  │ LISTEN\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│ SYN_RECV     +1.000ms\n" \
	"                      │✗──────── SYN,ACK seq=y ack=x+1 ──│              +1.000ms\n" \
	"              +1.000s │── SYN seq=x again ──────────────▶│\n" \
	"ESTABLISHED   +1.002s │◀── SYN,ACK seq=y ack=x+1 again ──│               +1.001s\n" \
	"              +1.002s │── ACK seq=x+1 ack=y+1 ──────────▶│ ESTABLISHED   +1.003s\n" \
	"  textbook: no, something was sent again\n" \
	"  open: ESTABLISHED, nobody closed\n" \
	"  sent again: SYN 1, SYN-ACK 1, FIN 0, data 0\n" \
	"  moves of the client: normal client\n" \
	"  moves of the server: normal server\n"

#define TWO_RESETS \
	"7  nc[100] 10.0.1.5:40000 -> 10.0.3.17:9999\n" \
	"  x = 1000\n" \
	"  y = 2000\n" \
	"CLOSE                 │                                  │ (LISTEN)\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│\n" \
	"             +1.000ms │── RST ──────────────────────────▶│ (CLOSE)\n" \
	"              +1.000s │── SYN seq=x again ──────────────▶│\n" \
	"ESTABLISHED   +1.002s │◀──────── SYN,ACK seq=y ack=x+1 ──│ (SYN_RECV)\n" \
	"              +1.002s │── ACK seq=x+1 ack=y+1 ──────────▶│ (ESTABLISHED)\n" \
	"CLOSE         +5.000s │── RST ──────────────────────────▶│ (CLOSE)\n" \
	"  textbook: no, a RST\n" \
	"  end: client closed first, abort, linger 0\n" \
	"  sent again: SYN 1, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: unusual, ESTABLISHED -> CLOSE\n"

#define OLDER \
	"7  nc[100] 10.0.1.5:40000 -> 10.0.3.17:9999\n" \
	"  u = 1313\n" \
	"  y = 2000 (derived)   v = 2001   w = 2001 = y+1\n" \
	"ESTABLISHED           │                                  │ (ESTABLISHED)\n" \
	"FIN_WAIT1    +0.000ms │── FIN seq=u ────────────────────▶│ (CLOSE_WAIT)\n" \
	"TIME_WAIT    +41.00ms │◀──────── FIN,ACK seq=w ack=u+1 ──│ (LAST_ACK)\n" \
	"             +41.00ms │── ACK seq=u+1 ack=w+1 ──────────▶│ (CLOSE)\n" \
	"  textbook: no, its beginning was not seen\n" \
	"  end: this end closed first, 3 segments\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: normal client\n"

#define LOST_ACK_OF_FIN \
	"7 8  nc[100] 10.0.1.5:40000 -> srv[200] 10.0.3.17:9999\n" \
	"  x = 1000   u = 1313 = x+313\n" \
	"  y = 2000   v = 2001   w = 2001 = y+1\n" \
	"CLOSE                 │                                  │ LISTEN\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│ SYN_RECV     +1.000ms\n" \
	"ESTABLISHED  +2.000ms │◀──────── SYN,ACK seq=y ack=x+1 ──│              +1.000ms\n" \
	"             +2.000ms │── ACK seq=x+1 ack=y+1 ──────────▶│ ESTABLISHED  +3.000ms\n" \
	"                      │══ 312 B in 4 segments ══════════▶│\n" \
	"FIN_WAIT1    +50.00ms │── FIN seq=u ────────────────────▶│ CLOSE_WAIT   +51.00ms\n" \
	"                      │✗──────────── ACK seq=v ack=u+1 ──│              +51.00ms\n" \
	"TIME_WAIT    +91.00ms │◀──────────────────── FIN seq=w ──│ LAST_ACK     +90.00ms\n" \
	"             +91.00ms │── ACK seq=u+1 ack=w+1 ──────────▶│ CLOSE        +92.00ms\n" \
	"CLOSE        +61.000s │ TIME_WAIT 60s, tw_expired        │\n" \
	"  textbook: no, something was lost\n" \
	"  end: client closed first, 3 segments, TIME_WAIT 60s\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: normal client\n" \
	"  moves of the server: normal server\n" \
	"  CLOSE first: server, 60s before the client\n"

#define LOST_LAST_ACK \
	"7 8  nc[100] 10.0.1.5:40000 -> srv[200] 10.0.3.17:9999\n" \
	"  x = 1000   u = 1313 = x+313\n" \
	"  y = 2000   v = 2001   w = 2021 = y+21\n" \
	"CLOSE                 │                                  │ LISTEN\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│ SYN_RECV     +1.000ms\n" \
	"ESTABLISHED  +2.000ms │◀──────── SYN,ACK seq=y ack=x+1 ──│              +1.000ms\n" \
	"             +2.000ms │── ACK seq=x+1 ack=y+1 ──────────▶│ ESTABLISHED  +3.000ms\n" \
	"                      │══ 312 B in 4 segments ══════════▶│\n" \
	"FIN_WAIT1    +50.00ms │── FIN seq=u ────────────────────▶│ CLOSE_WAIT   +51.00ms\n" \
	"FIN_WAIT2    +52.00ms │◀──────────── ACK seq=v ack=u+1 ──│              +51.00ms\n" \
	"                      │◀═══════════ 20 B in 2 segments ══│\n" \
	"TIME_WAIT    +91.00ms │◀──────────────────── FIN seq=w ──│ LAST_ACK     +90.00ms\n" \
	"             +91.00ms │── ACK seq=u+1 ack=w+1 ──────────✗│\n" \
	"TIME_WAIT    +291.0ms │◀────────────── FIN seq=w again ──│              +290.0ms\n" \
	"             +291.0ms │── ACK seq=u+1 ack=w+1 again ────▶│ CLOSE        +292.0ms\n" \
	"CLOSE        +61.000s │ TIME_WAIT 60s, tw_expired        │\n" \
	"  textbook: no, something was sent again\n" \
	"  end: client closed first, 4 segments, TIME_WAIT 60s\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 1, data 0\n" \
	"  moves of the client: normal client\n" \
	"  moves of the server: normal server\n" \
	"  CLOSE first: server, 60s before the client\n"

#define LOST_LAST_ACK_CLIENT \
	"7  nc[100] 10.0.1.5:40000 -> 10.0.3.17:9999\n" \
	"  x = 1000   u = 1313 = x+313\n" \
	"  y = 2000   v = 2001   w = 2021 = y+21\n" \
	"CLOSE                 │                                  │ (LISTEN)\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│ (SYN_RECV)\n" \
	"ESTABLISHED  +2.000ms │◀──────── SYN,ACK seq=y ack=x+1 ──│\n" \
	"             +2.000ms │── ACK seq=x+1 ack=y+1 ──────────▶│ (ESTABLISHED)\n" \
	"                      │══ 312 B in 4 segments ══════════▶│\n" \
	"FIN_WAIT1    +50.00ms │── FIN seq=u ────────────────────▶│ (CLOSE_WAIT)\n" \
	"FIN_WAIT2    +52.00ms │◀──────────── ACK seq=v ack=u+1 ──│\n" \
	"                      │◀═════════════════════════ 20 B ══│\n" \
	"TIME_WAIT    +91.00ms │◀──────────────────── FIN seq=w ──│ (LAST_ACK)\n" \
	"             +91.00ms │── ACK seq=u+1 ack=w+1 ──────────▶│\n" \
	"TIME_WAIT    +291.0ms │◀────────────── FIN seq=w again ──│\n" \
	"             +291.0ms │── ACK seq=u+1 ack=w+1 again ────▶│ (CLOSE)\n" \
	"CLOSE        +61.000s │ TIME_WAIT 60s, tw_expired        │\n" \
	"  textbook: no, something was sent again\n" \
	"  end: client closed first, 4 segments, TIME_WAIT 60s\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 1, data 0\n" \
	"  moves of the client: normal client\n"

#define LOST_LAST_ACK_SERVER \
	"8  10.0.1.5:40000 -> srv[200] 10.0.3.17:9999\n" \
	"  x = 1000   u = 1313 = x+313\n" \
	"  y = 2000   v = 2001   w = 2021 = y+21\n" \
	"(CLOSE)               │                                  │ LISTEN\n" \
	"(SYN_SENT)            │── SYN seq=x ────────────────────▶│ SYN_RECV     +0.000ms\n" \
	"(ESTABLISHED)         │◀──────── SYN,ACK seq=y ack=x+1 ──│              +0.000ms\n" \
	"                      │── ACK seq=x+1 ack=y+1 ──────────▶│ ESTABLISHED  +2.000ms\n" \
	"                      │══ 312 B in 4 segments ══════════▶│\n" \
	"(FIN_WAIT1)           │── FIN seq=u ────────────────────▶│ CLOSE_WAIT   +50.00ms\n" \
	"(FIN_WAIT2)           │◀──────────── ACK seq=v ack=u+1 ──│              +50.00ms\n" \
	"                      │◀═══════════ 20 B in 2 segments ══│\n" \
	"                      │◀──────────────────── FIN seq=w ──│ LAST_ACK     +89.00ms\n" \
	"(TIME_WAIT)           │◀────────────── FIN seq=w again ──│              +289.0ms\n" \
	"                      │── ACK seq=u+1 ack=w+1 ──────────▶│ CLOSE        +291.0ms\n" \
	"  textbook: no, something was sent again\n" \
	"  end: client closed first, 4 segments\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 1, data 0\n" \
	"  moves of the server: normal server\n"

#define KEEPALIVE \
	"7  nc[100] 10.0.1.5:40000 -> 10.0.3.17:9999\n" \
	"  x = 1000\n" \
	"  y = 2000\n" \
	"CLOSE                 │                                  │ (LISTEN)\n" \
	"SYN_SENT     +0.000ms │── SYN seq=x ────────────────────▶│ (SYN_RECV)\n" \
	"ESTABLISHED  +2.000ms │◀──────── SYN,ACK seq=y ack=x+1 ──│\n" \
	"             +2.000ms │── ACK seq=x+1 ack=y+1 ──────────▶│ (ESTABLISHED)\n" \
	"CLOSE         +9.000s │ keepalive: idle 8.998s, 3 probes │\n" \
	"  textbook: no, ended without a segment\n" \
	"  end: nobody closed, keepalive timeout\n" \
	"  sent again: SYN 0, SYN-ACK 0, FIN 0, data 0\n" \
	"  moves of the client: unusual, ESTABLISHED -> CLOSE\n"

#endif /* TCPSTATE_TEST_LADDER_EXPECTED_H */
