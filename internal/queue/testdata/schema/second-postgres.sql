SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE TYPE public.river_job_state AS ENUM (
    'available',
    'cancelled',
    'completed',
    'discarded',
    'pending',
    'retryable',
    'running',
    'scheduled'
);
CREATE FUNCTION public.river_job_state_in_bitmask(bitmask bit, state public.river_job_state) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE state
        WHEN 'available' THEN get_bit(bitmask, 7)
        WHEN 'cancelled' THEN get_bit(bitmask, 6)
        WHEN 'completed' THEN get_bit(bitmask, 5)
        WHEN 'discarded' THEN get_bit(bitmask, 4)
        WHEN 'pending'   THEN get_bit(bitmask, 3)
        WHEN 'retryable' THEN get_bit(bitmask, 2)
        WHEN 'running'   THEN get_bit(bitmask, 1)
        WHEN 'scheduled' THEN get_bit(bitmask, 0)
        ELSE 0
    END = 1;
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.lighterman_client (
    id text NOT NULL,
    beat_at timestamp with time zone NOT NULL
);
CREATE TABLE public.lighterman_delivery (
    guid text NOT NULL,
    event text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    payload bytea,
    received_at bigint NOT NULL
);
CREATE TABLE public.lighterman_limit (
    installation bigint NOT NULL,
    until bigint NOT NULL
);
CREATE TABLE public.lighterman_note (
    key text NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.lighterman_pull (
    subject text NOT NULL,
    installation bigint NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    number bigint NOT NULL,
    generation bigint NOT NULL,
    group_head text DEFAULT ''::text NOT NULL,
    group_base text DEFAULT ''::text NOT NULL,
    done_head text DEFAULT ''::text NOT NULL,
    began_at bigint DEFAULT 0 NOT NULL,
    seen_head text DEFAULT ''::text NOT NULL,
    seen_at bigint DEFAULT 0 NOT NULL,
    failing text DEFAULT ''::text NOT NULL,
    mark text DEFAULT ''::text NOT NULL,
    told_head text DEFAULT ''::text NOT NULL
);
CREATE TABLE public.lighterman_request (
    subject text NOT NULL,
    id text NOT NULL,
    body text NOT NULL,
    received_at bigint NOT NULL,
    done bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.lighterman_schema (
    version bigint NOT NULL
);
CREATE TABLE public.river_job (
    id bigint NOT NULL,
    state public.river_job_state DEFAULT 'available'::public.river_job_state NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL,
    max_attempts smallint DEFAULT 25 NOT NULL,
    attempted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finalized_at timestamp with time zone,
    scheduled_at timestamp with time zone DEFAULT now() NOT NULL,
    priority smallint DEFAULT 1 NOT NULL,
    args jsonb NOT NULL,
    attempted_by text[],
    errors jsonb[],
    kind text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    queue text DEFAULT 'default'::text NOT NULL,
    tags character varying(255)[] DEFAULT '{}'::character varying[] NOT NULL,
    unique_key bytea,
    unique_states bit(8),
    CONSTRAINT finalized_or_finalized_at_null CHECK ((((finalized_at IS NULL) AND (state <> ALL (ARRAY['cancelled'::public.river_job_state, 'completed'::public.river_job_state, 'discarded'::public.river_job_state]))) OR ((finalized_at IS NOT NULL) AND (state = ANY (ARRAY['cancelled'::public.river_job_state, 'completed'::public.river_job_state, 'discarded'::public.river_job_state]))))),
    CONSTRAINT kind_length CHECK (((char_length(kind) > 0) AND (char_length(kind) < 128))),
    CONSTRAINT max_attempts_is_positive CHECK ((max_attempts > 0)),
    CONSTRAINT priority_in_range CHECK (((priority >= 1) AND (priority <= 4))),
    CONSTRAINT queue_length CHECK (((char_length(queue) > 0) AND (char_length(queue) < 128)))
);
CREATE SEQUENCE public.river_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.river_job_id_seq OWNED BY public.river_job.id;
CREATE UNLOGGED TABLE public.river_leader (
    elected_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    leader_id text NOT NULL,
    name text DEFAULT 'default'::text NOT NULL,
    CONSTRAINT leader_id_length CHECK (((char_length(leader_id) > 0) AND (char_length(leader_id) < 128))),
    CONSTRAINT name_length CHECK ((name = 'default'::text))
);
CREATE TABLE public.river_migration (
    line text NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT line_length CHECK (((char_length(line) > 0) AND (char_length(line) < 128))),
    CONSTRAINT version_gte_1 CHECK ((version >= 1))
);
CREATE TABLE public.river_notification (
    id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (((length(topic) > 0) AND (length(topic) < 128)))
);
CREATE SEQUENCE public.river_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.river_notification_id_seq OWNED BY public.river_notification.id;
CREATE TABLE public.river_queue (
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    paused_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);
ALTER TABLE ONLY public.river_job ALTER COLUMN id SET DEFAULT nextval('public.river_job_id_seq'::regclass);
ALTER TABLE ONLY public.river_notification ALTER COLUMN id SET DEFAULT nextval('public.river_notification_id_seq'::regclass);
INSERT INTO public.lighterman_client VALUES ('replica-WTSAKLXTOEASXQ54VTOEZ5ARKK', '2026-11-26 10:23:43.122838+00');
INSERT INTO public.lighterman_delivery VALUES ('guid-1', 'pull_request', 'opened', 'acme/shop#1', '\x7b22616374696f6e223a226f70656e6564227d', 1795688615621);
INSERT INTO public.lighterman_delivery VALUES ('guid-2', 'pull_request', 'opened', 'acme/shop#2', '\x7b22616374696f6e223a226f70656e6564227d', 1795688617132);
INSERT INTO public.lighterman_delivery VALUES ('guid-3', 'pull_request', 'opened', 'acme/shop#3', '\x7b22616374696f6e223a226f70656e6564227d', 1795688618636);
INSERT INTO public.lighterman_delivery VALUES ('guid-4', 'pull_request', 'opened', 'acme/shop#4', '\x7b22616374696f6e223a226f70656e6564227d', 1795688620137);
INSERT INTO public.lighterman_delivery VALUES ('guid-5', 'pull_request', 'opened', 'acme/shop#5', '\x7b22616374696f6e223a226f70656e6564227d', 1795688621640);
INSERT INTO public.lighterman_pull VALUES ('acme/shop#1', 7, 'acme', 'shop', 1, 1, '', '', '', 1795688615635, '', 0, '', '', '');
INSERT INTO public.lighterman_pull VALUES ('acme/shop#2', 7, 'acme', 'shop', 2, 1, '', '', '', 0, '', 0, '2/1', '', '');
INSERT INTO public.lighterman_pull VALUES ('acme/shop#3', 7, 'acme', 'shop', 3, 1, '', '', '', 0, '', 0, '', '', '');
INSERT INTO public.lighterman_pull VALUES ('acme/shop#4', 7, 'acme', 'shop', 4, 1, '', '', '', 0, '', 0, '', '', '');
INSERT INTO public.lighterman_pull VALUES ('acme/shop#5', 7, 'acme', 'shop', 5, 1, '', '', '', 0, '', 0, '', '', '');
INSERT INTO public.lighterman_schema VALUES (1);
INSERT INTO public.lighterman_schema VALUES (2);
INSERT INTO public.lighterman_schema VALUES (3);
INSERT INTO public.lighterman_schema VALUES (4);
INSERT INTO public.lighterman_schema VALUES (5);
INSERT INTO public.lighterman_schema VALUES (6);
INSERT INTO public.lighterman_schema VALUES (7);
INSERT INTO public.lighterman_schema VALUES (8);
INSERT INTO public.lighterman_schema VALUES (9);
INSERT INTO public.lighterman_schema VALUES (10);
INSERT INTO public.lighterman_schema VALUES (11);
INSERT INTO public.lighterman_schema VALUES (12);
INSERT INTO public.lighterman_schema VALUES (13);
INSERT INTO public.lighterman_schema VALUES (14);
INSERT INTO public.lighterman_schema VALUES (15);
INSERT INTO public.lighterman_schema VALUES (16);
INSERT INTO public.lighterman_schema VALUES (17);
INSERT INTO public.river_job VALUES (1, 'completed', 1, 12, '2026-11-26 10:23:35.632206+00', '2026-11-26 10:23:35.62376+00', '2026-11-26 10:23:35.637537+00', '2026-11-26 10:23:35.62376+00', 1, '{"subject": "acme/shop#1"}', '{replica-WTSAKLXTOEASXQ54VTOEZ5ARKK}', NULL, 'review', '{}', 'default', '{}', '\xf211c6e17451cec90e5931df6f933841f73010fcbf12d28ea0ec57baf639e152', B'11110001');
INSERT INTO public.river_job VALUES (2, 'retryable', 1, 12, '2026-11-26 10:23:37.135401+00', '2026-11-26 10:23:37.133299+00', NULL, '2999-11-26 11:23:37.136656+00', 1, '{"subject": "acme/shop#2"}', '{replica-WTSAKLXTOEASXQ54VTOEZ5ARKK}', '{"{\"at\": \"2026-11-26T10:23:37.135876239Z\", \"error\": \"not today\", \"trace\": \"\", \"attempt\": 1}"}', 'review', '{}', 'default', '{}', '\x2bc0f26a49e0471a7d6bd8b4b7b714d5d4d882320b5968ca3fa6112f7ef2bb9b', B'11110001');
INSERT INTO public.river_job VALUES (3, 'running', 1, 12, '2026-11-26 10:23:38.63766+00', '2026-11-26 10:23:38.636674+00', NULL, '2026-11-26 10:23:38.636674+00', 1, '{"subject": "acme/shop#3"}', '{replica-WTSAKLXTOEASXQ54VTOEZ5ARKK}', NULL, 'review', '{}', 'default', '{}', '\x809baa09c9222b7e23f89e3c48e0e8ea54df87d8b5cc2389996b7c4a08272fc5', B'11110001');
INSERT INTO public.river_job VALUES (4, 'available', 0, 12, NULL, '2026-11-26 10:23:40.13831+00', NULL, '2026-11-26 10:23:40.13831+00', 1, '{"subject": "acme/shop#4"}', NULL, NULL, 'review', '{}', 'default', '{}', '\x9fc420844f7c1adee4a462631380cc5d31b7557c4d204bc17ea3e8f559bbb32b', B'11110001');
INSERT INTO public.river_job VALUES (5, 'available', 0, 12, NULL, '2026-11-26 10:23:41.641034+00', NULL, '2026-11-26 10:23:41.641034+00', 1, '{"subject": "acme/shop#5"}', NULL, NULL, 'review', '{}', 'default', '{}', '\x84e6b588f4e506ef874b791f55724c923c1e0c535b9459760334275f5c380de0', B'11110001');
INSERT INTO public.river_leader VALUES ('2026-11-26 10:23:35.634779+00', '2026-11-26 10:23:55.640725+00', 'replica-WTSAKLXTOEASXQ54VTOEZ5ARKK', 'default');
INSERT INTO public.river_migration VALUES ('main', 1, '2026-11-26 10:23:35.526776+00');
INSERT INTO public.river_migration VALUES ('main', 2, '2026-11-26 10:23:35.5337+00');
INSERT INTO public.river_migration VALUES ('main', 3, '2026-11-26 10:23:35.553914+00');
INSERT INTO public.river_migration VALUES ('main', 4, '2026-11-26 10:23:35.555347+00');
INSERT INTO public.river_migration VALUES ('main', 5, '2026-11-26 10:23:35.561561+00');
INSERT INTO public.river_migration VALUES ('main', 6, '2026-11-26 10:23:35.582988+00');
INSERT INTO public.river_migration VALUES ('main', 7, '2026-11-26 10:23:35.585973+00');
INSERT INTO public.river_migration VALUES ('main', 8, '2026-11-26 10:23:35.595837+00');
INSERT INTO public.river_queue VALUES ('default', '2026-11-26 10:23:35.630899+00', '{}', NULL, '2026-11-26 10:23:35.630899+00');
SELECT pg_catalog.setval('public.river_job_id_seq', 5, true);
SELECT pg_catalog.setval('public.river_notification_id_seq', 1, false);
ALTER TABLE ONLY public.lighterman_client
    ADD CONSTRAINT lighterman_client_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.lighterman_delivery
    ADD CONSTRAINT lighterman_delivery_pkey PRIMARY KEY (guid);
ALTER TABLE ONLY public.lighterman_limit
    ADD CONSTRAINT lighterman_limit_pkey PRIMARY KEY (installation);
ALTER TABLE ONLY public.lighterman_note
    ADD CONSTRAINT lighterman_note_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.lighterman_pull
    ADD CONSTRAINT lighterman_pull_pkey PRIMARY KEY (subject);
ALTER TABLE ONLY public.lighterman_request
    ADD CONSTRAINT lighterman_request_pkey PRIMARY KEY (subject, id);
ALTER TABLE ONLY public.lighterman_schema
    ADD CONSTRAINT lighterman_schema_pkey PRIMARY KEY (version);
ALTER TABLE ONLY public.river_job
    ADD CONSTRAINT river_job_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.river_leader
    ADD CONSTRAINT river_leader_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.river_migration
    ADD CONSTRAINT river_migration_pkey1 PRIMARY KEY (line, version);
ALTER TABLE ONLY public.river_notification
    ADD CONSTRAINT river_notification_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.river_queue
    ADD CONSTRAINT river_queue_pkey PRIMARY KEY (name);
CREATE INDEX lighterman_delivery_received_at ON public.lighterman_delivery USING btree (received_at);
CREATE INDEX lighterman_pull_done_head ON public.lighterman_pull USING btree (done_head);
CREATE INDEX river_job_args_index ON public.river_job USING gin (args);
CREATE INDEX river_job_kind ON public.river_job USING btree (kind);
CREATE INDEX river_job_metadata_index ON public.river_job USING gin (metadata);
CREATE INDEX river_job_prioritized_fetching_index ON public.river_job USING btree (state, queue, priority, scheduled_at, id);
CREATE INDEX river_job_state_and_finalized_at_index ON public.river_job USING btree (state, finalized_at) WHERE (finalized_at IS NOT NULL);
CREATE UNIQUE INDEX river_job_unique_idx ON public.river_job USING btree (unique_key) WHERE ((unique_key IS NOT NULL) AND (unique_states IS NOT NULL) AND public.river_job_state_in_bitmask(unique_states, state));
CREATE INDEX river_notification_created_at_idx ON public.river_notification USING btree (created_at);
CREATE INDEX river_notification_topic_id_idx ON public.river_notification USING btree (topic, id);
