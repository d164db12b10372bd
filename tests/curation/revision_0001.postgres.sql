CREATE TABLE public.align_schema (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.changes (
    seq bigint NOT NULL,
    at text NOT NULL COLLATE pg_catalog."C",
    who text NOT NULL COLLATE pg_catalog."C",
    what text NOT NULL COLLATE pg_catalog."C",
    about text NOT NULL,
    detail text NOT NULL
);
CREATE TABLE public.counts (
    curator text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    standing integer NOT NULL,
    events integer NOT NULL
);
CREATE TABLE public.drafts (
    curator text NOT NULL COLLATE pg_catalog."C",
    example_id text NOT NULL COLLATE pg_catalog."C",
    content text NOT NULL COLLATE pg_catalog."C",
    turns text NOT NULL,
    note text NOT NULL,
    at text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.events (
    seq bigint NOT NULL,
    request text NOT NULL COLLATE pg_catalog."C",
    example_id text NOT NULL COLLATE pg_catalog."C",
    content text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    decides text NOT NULL COLLATE pg_catalog."C",
    curator text NOT NULL COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C",
    turns text NOT NULL,
    reason text NOT NULL,
    note text NOT NULL,
    seconds double precision NOT NULL,
    served text NOT NULL COLLATE pg_catalog."C",
    blind boolean NOT NULL,
    undoes bigint,
    batch text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.leases (
    example_id text NOT NULL COLLATE pg_catalog."C",
    curator text NOT NULL COLLATE pg_catalog."C",
    until text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.live (
    seq bigint NOT NULL,
    example_id text NOT NULL COLLATE pg_catalog."C",
    curator text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    batch text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.people (
    name text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    by text NOT NULL COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.places (
    curator text NOT NULL COLLATE pg_catalog."C",
    example_id text NOT NULL COLLATE pg_catalog."C",
    at text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.standings (
    example_id text NOT NULL COLLATE pg_catalog."C",
    curator text NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    action text COLLATE pg_catalog."C",
    seq bigint
);
CREATE TABLE public.turnstiles (
    name text NOT NULL COLLATE pg_catalog."C",
    seq bigint NOT NULL,
    at text NOT NULL COLLATE pg_catalog."C"
);
INSERT INTO public.align_schema VALUES ('0001');
INSERT INTO public.changes VALUES (1, '2026-11-21T16:00:03.000000+00:00', 'ada', 'add person', 'ada', 'admin');
INSERT INTO public.changes VALUES (2, '2026-11-21T16:00:04.000000+00:00', 'ada', 'add person', 'ben', 'curator');
INSERT INTO public.counts VALUES ('ben', 'edit', 1, 1);
INSERT INTO public.counts VALUES ('ben', 'reject', 1, 1);
INSERT INTO public.counts VALUES ('ada', 'undo', 0, 1);
INSERT INTO public.counts VALUES ('ada', 'accept', 1, 2);
INSERT INTO public.drafts VALUES ('ben', 'stack_exchange/ocean/3', 'c3', '[["user", "Why are there tides?"], ["assistant", "The moon pulls, and so does the sun."]]', 'half done', '2026-11-21T16:00:10.000000+00:00');
INSERT INTO public.events VALUES (3, 'r1', 'stack_exchange/ocean/1', 'da4bb51190ce97ce', 'edit', '', 'ben', '2026-11-21T16:00:05.000000+00:00', '[["user", "Why are there tides?"], ["assistant", "The moon pulls, and so does the sun."]]', '', 'the sun''s part', 12.5, 'harvest', false, NULL, '');
INSERT INTO public.events VALUES (4, 'r2', 'stack_exchange/ocean/2', 'c2', 'reject', '', 'ben', '2026-11-21T16:00:06.000000+00:00', '', 'too short', '', 0, '', false, NULL, '');
INSERT INTO public.events VALUES (5, 'r3', 'stack_exchange/ocean/2', 'c2', 'accept', '', 'ada', '2026-11-21T16:00:07.000000+00:00', '', '', '', 0, '', true, NULL, '');
INSERT INTO public.events VALUES (6, 'r4', 'stack_exchange/ocean/3', 'c3', 'accept', '', 'ada', '2026-11-21T16:00:08.000000+00:00', '', '', '', 0, '', false, NULL, '');
INSERT INTO public.events VALUES (7, 'u1', 'stack_exchange/ocean/3', 'c3', 'undo', '', 'ada', '2026-11-21T16:00:09.000000+00:00', '', '', '', 0, '', false, 6, '');
INSERT INTO public.leases VALUES ('stack_exchange/ocean/3', 'ben', '2026-11-21T16:15:12.000000+00:00');
INSERT INTO public.live VALUES (3, 'stack_exchange/ocean/1', 'ben', 'edit', '');
INSERT INTO public.live VALUES (4, 'stack_exchange/ocean/2', 'ben', 'reject', '');
INSERT INTO public.live VALUES (5, 'stack_exchange/ocean/2', 'ada', 'accept', '');
INSERT INTO public.people VALUES ('ada', 'admin', 'ada', '2026-11-21T16:00:03.000000+00:00');
INSERT INTO public.people VALUES ('ben', 'curator', 'ada', '2026-11-21T16:00:04.000000+00:00');
INSERT INTO public.places VALUES ('ben', 'stack_exchange/ocean/3', '2026-11-21T16:00:11.000000+00:00');
INSERT INTO public.standings VALUES ('stack_exchange/ocean/1', 'ben', 1, 'edit', 3);
INSERT INTO public.standings VALUES ('stack_exchange/ocean/2', 'ben', 1, 'reject', 4);
INSERT INTO public.standings VALUES ('stack_exchange/ocean/2', 'ada', 1, 'accept', 5);
INSERT INTO public.standings VALUES ('stack_exchange/ocean/3', 'ada', 2, NULL, NULL);
INSERT INTO public.turnstiles VALUES ('leases', 0, '');
INSERT INTO public.turnstiles VALUES ('events', 7, '2026-11-21T16:00:09.000000+00:00');
ALTER TABLE ONLY public.align_schema
    ADD CONSTRAINT align_schema_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.changes
    ADD CONSTRAINT changes_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.counts
    ADD CONSTRAINT counts_pkey PRIMARY KEY (curator, action);
ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT drafts_pkey PRIMARY KEY (curator, example_id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_request_key UNIQUE (request);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (example_id);
ALTER TABLE ONLY public.live
    ADD CONSTRAINT live_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.places
    ADD CONSTRAINT places_pkey PRIMARY KEY (curator);
ALTER TABLE ONLY public.standings
    ADD CONSTRAINT standings_pkey PRIMARY KEY (example_id, curator);
ALTER TABLE ONLY public.turnstiles
    ADD CONSTRAINT turnstiles_pkey PRIMARY KEY (name);
CREATE INDEX events_of_curator ON public.events USING btree (curator, seq);
CREATE INDEX events_of_example ON public.events USING btree (example_id, seq);
CREATE INDEX leases_by_end ON public.leases USING btree (until);
CREATE INDEX leases_of_curator ON public.leases USING btree (curator);
CREATE INDEX live_of_batch ON public.live USING btree (batch, seq);
CREATE INDEX live_of_curator ON public.live USING btree (curator, seq);
CREATE INDEX live_of_example ON public.live USING btree (example_id, seq);
