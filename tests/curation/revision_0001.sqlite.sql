BEGIN TRANSACTION;
CREATE TABLE align_schema (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT align_schema_pkc PRIMARY KEY (version_num)
);
INSERT INTO "align_schema" VALUES('0001');
CREATE TABLE changes (
	seq BIGINT NOT NULL, 
	at TEXT NOT NULL, 
	who TEXT NOT NULL, 
	what TEXT NOT NULL, 
	about TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "changes" VALUES(1,'2026-11-21T16:00:03.000000+00:00','ada','add person','ada','admin');
INSERT INTO "changes" VALUES(2,'2026-11-21T16:00:04.000000+00:00','ada','add person','ben','curator');
CREATE TABLE counts (
	curator TEXT NOT NULL, 
	action TEXT NOT NULL, 
	standing INTEGER NOT NULL, 
	events INTEGER NOT NULL, 
	PRIMARY KEY (curator, action)
);
INSERT INTO "counts" VALUES('ben','edit',1,1);
INSERT INTO "counts" VALUES('ben','reject',1,1);
INSERT INTO "counts" VALUES('ada','accept',1,2);
INSERT INTO "counts" VALUES('ada','undo',0,1);
CREATE TABLE drafts (
	curator TEXT NOT NULL, 
	example_id TEXT NOT NULL, 
	content TEXT NOT NULL, 
	turns TEXT NOT NULL, 
	note TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (curator, example_id)
);
INSERT INTO "drafts" VALUES('ben','stack_exchange/ocean/3','c3','[["user", "Why are there tides?"], ["assistant", "The moon pulls, and so does the sun."]]','half done','2026-11-21T16:00:10.000000+00:00');
CREATE TABLE events (
	seq BIGINT NOT NULL, 
	request TEXT NOT NULL, 
	example_id TEXT NOT NULL, 
	content TEXT NOT NULL, 
	action TEXT NOT NULL, 
	decides TEXT NOT NULL, 
	curator TEXT NOT NULL, 
	at TEXT NOT NULL, 
	turns TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	note TEXT NOT NULL, 
	seconds FLOAT NOT NULL, 
	served TEXT NOT NULL, 
	blind BOOLEAN NOT NULL, 
	undoes BIGINT, 
	batch TEXT NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (request)
);
INSERT INTO "events" VALUES(3,'r1','stack_exchange/ocean/1','da4bb51190ce97ce','edit','','ben','2026-11-21T16:00:05.000000+00:00','[["user", "Why are there tides?"], ["assistant", "The moon pulls, and so does the sun."]]','','the sun''s part',12.5,'harvest',0,NULL,'');
INSERT INTO "events" VALUES(4,'r2','stack_exchange/ocean/2','c2','reject','','ben','2026-11-21T16:00:06.000000+00:00','','too short','',0.0,'',0,NULL,'');
INSERT INTO "events" VALUES(5,'r3','stack_exchange/ocean/2','c2','accept','','ada','2026-11-21T16:00:07.000000+00:00','','','',0.0,'',1,NULL,'');
INSERT INTO "events" VALUES(6,'r4','stack_exchange/ocean/3','c3','accept','','ada','2026-11-21T16:00:08.000000+00:00','','','',0.0,'',0,NULL,'');
INSERT INTO "events" VALUES(7,'u1','stack_exchange/ocean/3','c3','undo','','ada','2026-11-21T16:00:09.000000+00:00','','','',0.0,'',0,6,'');
CREATE TABLE leases (
	example_id TEXT NOT NULL, 
	curator TEXT NOT NULL, 
	until TEXT NOT NULL, 
	PRIMARY KEY (example_id)
);
INSERT INTO "leases" VALUES('stack_exchange/ocean/3','ben','2026-11-21T16:15:12.000000+00:00');
CREATE TABLE live (
	seq BIGINT NOT NULL, 
	example_id TEXT NOT NULL, 
	curator TEXT NOT NULL, 
	action TEXT NOT NULL, 
	batch TEXT NOT NULL, 
	PRIMARY KEY (seq)
);
INSERT INTO "live" VALUES(3,'stack_exchange/ocean/1','ben','edit','');
INSERT INTO "live" VALUES(4,'stack_exchange/ocean/2','ben','reject','');
INSERT INTO "live" VALUES(5,'stack_exchange/ocean/2','ada','accept','');
CREATE TABLE people (
	name TEXT NOT NULL, 
	role TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "people" VALUES('ada','admin','ada','2026-11-21T16:00:03.000000+00:00');
INSERT INTO "people" VALUES('ben','curator','ada','2026-11-21T16:00:04.000000+00:00');
CREATE TABLE places (
	curator TEXT NOT NULL, 
	example_id TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (curator)
);
INSERT INTO "places" VALUES('ben','stack_exchange/ocean/3','2026-11-21T16:00:11.000000+00:00');
CREATE TABLE standings (
	example_id TEXT NOT NULL, 
	curator TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	action TEXT, 
	seq BIGINT, 
	PRIMARY KEY (example_id, curator)
);
INSERT INTO "standings" VALUES('stack_exchange/ocean/1','ben',1,'edit',3);
INSERT INTO "standings" VALUES('stack_exchange/ocean/2','ben',1,'reject',4);
INSERT INTO "standings" VALUES('stack_exchange/ocean/2','ada',1,'accept',5);
INSERT INTO "standings" VALUES('stack_exchange/ocean/3','ada',2,NULL,NULL);
CREATE TABLE turnstiles (
	name TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "turnstiles" VALUES('events',7,'2026-11-21T16:00:09.000000+00:00');
INSERT INTO "turnstiles" VALUES('leases',0,'');
CREATE INDEX events_of_curator ON events (curator, seq);
CREATE INDEX events_of_example ON events (example_id, seq);
CREATE INDEX live_of_curator ON live (curator, seq);
CREATE INDEX live_of_example ON live (example_id, seq);
CREATE INDEX live_of_batch ON live (batch, seq);
CREATE INDEX leases_of_curator ON leases (curator);
CREATE INDEX leases_by_end ON leases (until);
COMMIT;
