CREATE TABLE river_leader (
    elected_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    leader_id text NOT NULL,
    name text PRIMARY KEY NOT NULL DEFAULT 'default' CHECK (name = 'default'),
    CONSTRAINT name_length CHECK (length(name) > 0 AND length(name) < 128),
    CONSTRAINT leader_id_length CHECK (length(leader_id) > 0 AND length(leader_id) < 128)
);
CREATE TABLE river_migration (
    line text NOT NULL,
    version integer NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT line_length CHECK (length(line) > 0 AND length(line) < 128),
    CONSTRAINT version_gte_1 CHECK (version >= 1),
    PRIMARY KEY (line, version)
);
CREATE TABLE river_notification (
    id integer PRIMARY KEY AUTOINCREMENT,
    created_at timestamp NOT NULL DEFAULT (datetime('now', 'subsec')),
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (length(topic) > 0 AND length(topic) < 128)
);
CREATE TABLE river_queue (
    name text PRIMARY KEY NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    paused_at timestamp,
    updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE river_job (
    id integer PRIMARY KEY AUTOINCREMENT,
    args blob NOT NULL DEFAULT (jsonb('{}')),
    attempt integer NOT NULL DEFAULT 0,
    attempted_at timestamp,
    attempted_by blob, -- json
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    errors blob, -- json
    finalized_at timestamp,
    kind text NOT NULL,
    max_attempts integer NOT NULL DEFAULT 25,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    priority integer NOT NULL DEFAULT 1,
    queue text NOT NULL DEFAULT 'default',
    state text NOT NULL DEFAULT 'available',
    scheduled_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    tags blob NOT NULL DEFAULT (jsonb('[]')),
    unique_key blob,
    unique_states integer,
    CONSTRAINT finalized_or_finalized_at_null CHECK (
        (finalized_at IS NULL AND state NOT IN ('cancelled', 'completed', 'discarded')) OR
        (finalized_at IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded'))
    ),
    CONSTRAINT priority_in_range CHECK (priority >= 1 AND priority <= 4),
    CONSTRAINT queue_length CHECK (length(queue) > 0 AND length(queue) < 128),
    CONSTRAINT kind_length CHECK (length(kind) > 0 AND length(kind) < 128),
    CONSTRAINT state_valid CHECK (state IN ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled'))
);
CREATE TABLE lighterman_schema (version BIGINT PRIMARY KEY);
CREATE TABLE lighterman_delivery (
			guid        TEXT PRIMARY KEY,
			event       TEXT NOT NULL,
			action      TEXT NOT NULL,
			subject     TEXT NOT NULL,
			payload     BLOB,
			received_at BIGINT NOT NULL
		);
CREATE TABLE lighterman_pull (
			subject      TEXT PRIMARY KEY,
			installation BIGINT NOT NULL,
			owner        TEXT NOT NULL,
			name         TEXT NOT NULL,
			number       BIGINT NOT NULL,
			generation   BIGINT NOT NULL
		, group_head TEXT NOT NULL DEFAULT '', group_base TEXT NOT NULL DEFAULT '', done_head TEXT NOT NULL DEFAULT '', began_at BIGINT NOT NULL DEFAULT 0, seen_head TEXT NOT NULL DEFAULT '', seen_at BIGINT NOT NULL DEFAULT 0, failing TEXT NOT NULL DEFAULT '', mark TEXT NOT NULL DEFAULT '', told_head TEXT NOT NULL DEFAULT '');
CREATE TABLE lighterman_limit (
			installation BIGINT PRIMARY KEY,
			until        BIGINT NOT NULL
		);
CREATE TABLE lighterman_client (
			id      TEXT PRIMARY KEY,
			beat_at TIMESTAMPTZ NOT NULL
		);
CREATE TABLE lighterman_request (
			subject     TEXT NOT NULL,
			id          TEXT NOT NULL,
			body        TEXT NOT NULL,
			received_at BIGINT NOT NULL,
			done        BIGINT NOT NULL DEFAULT 0,
			PRIMARY KEY (subject, id)
		);
CREATE TABLE lighterman_note (
			key   TEXT PRIMARY KEY,
			value TEXT NOT NULL
		);
INSERT INTO river_leader (elected_at,expires_at,leader_id,name) VALUES ('2026-11-26 10:23:26.629','2026-11-26 10:23:46.633','replica-IRMRFWTXQK2UE4HGUKBRZPXO44','default');
INSERT INTO river_migration (line,version,created_at) VALUES ('main',1,'2026-11-26 10:23:26');
INSERT INTO river_migration (line,version,created_at) VALUES ('main',2,'2026-11-26 10:23:26');
INSERT INTO river_migration (line,version,created_at) VALUES ('main',3,'2026-11-26 10:23:26');
INSERT INTO river_migration (line,version,created_at) VALUES ('main',4,'2026-11-26 10:23:26');
INSERT INTO river_migration (line,version,created_at) VALUES ('main',5,'2026-11-26 10:23:26');
INSERT INTO river_migration (line,version,created_at) VALUES ('main',6,'2026-11-26 10:23:26');
INSERT INTO river_migration (line,version,created_at) VALUES ('main',7,'2026-11-26 10:23:26');
INSERT INTO river_migration (line,version,created_at) VALUES ('main',8,'2026-11-26 10:23:26');
INSERT INTO river_notification (id,created_at,payload,topic) VALUES (1,'2026-11-26 10:23:26.628','{"queue": "default"}','river_insert');
INSERT INTO river_notification (id,created_at,payload,topic) VALUES (2,'2026-11-26 10:23:28.132','{"queue": "default"}','river_insert');
INSERT INTO river_notification (id,created_at,payload,topic) VALUES (3,'2026-11-26 10:23:29.634','{"queue": "default"}','river_insert');
INSERT INTO river_notification (id,created_at,payload,topic) VALUES (4,'2026-11-26 10:23:31.141','{"queue": "default"}','river_insert');
INSERT INTO river_notification (id,created_at,payload,topic) VALUES (5,'2026-11-26 10:23:32.643','{"queue": "default"}','river_insert');
INSERT INTO river_queue (name,created_at,metadata,paused_at,updated_at) VALUES ('default','2026-11-26 10:23:26.629',X'0C',NULL,'2026-11-26 10:23:26.629');
INSERT INTO river_job (id,args,attempt,attempted_at,attempted_by,created_at,errors,finalized_at,kind,max_attempts,metadata,priority,queue,state,scheduled_at,tags,unique_key,unique_states) VALUES (1,X'CC14777375626A656374B761636D652F73686F702331',1,'2026-11-26 10:23:26.631',X'CB1FC71D6D792D49524D5246575458514B325545344847554B42525A50584F3434','2026-11-26 10:23:26.627',NULL,'2026-11-26 10:23:26.632','review',12,X'CC26C71272697665723A756E697175655F6E6F6E6365C71063333332396133313539663764316265',1,'default','completed','2026-11-26 10:23:26.627',X'0B',X'F211C6E17451CEC90E5931DF6F933841F73010FCBF12D28EA0EC57BAF639E152',241);
INSERT INTO river_job (id,args,attempt,attempted_at,attempted_by,created_at,errors,finalized_at,kind,max_attempts,metadata,priority,queue,state,scheduled_at,tags,unique_key,unique_states) VALUES (2,X'CC14777375626A656374B761636D652F73686F702332',1,'2026-11-26 10:23:28.159',X'CB1FC71D6D792D49524D5246575458514B325545344847554B42525A50584F3434','2026-11-26 10:23:28.132',X'CB45CC43276174C71D323032362D31312D32365431303A32333A32382E31363035313637345A77617474656D70741331576572726F72976E6F7420746F64617957747261636507',NULL,'review',12,X'CC26C71272697665723A756E697175655F6E6F6E6365C71038326363633737313033363462383934',1,'default','retryable','2999-11-26 11:23:28.161',X'0B',X'2BC0F26A49E0471A7D6BD8B4B7B714D5D4D882320B5968CA3FA6112F7EF2BB9B',241);
INSERT INTO river_job (id,args,attempt,attempted_at,attempted_by,created_at,errors,finalized_at,kind,max_attempts,metadata,priority,queue,state,scheduled_at,tags,unique_key,unique_states) VALUES (3,X'CC14777375626A656374B761636D652F73686F702333',1,'2026-11-26 10:23:29.642',X'CB1FC71D6D792D49524D5246575458514B325545344847554B42525A50584F3434','2026-11-26 10:23:29.634',NULL,NULL,'review',12,X'CC26C71272697665723A756E697175655F6E6F6E6365C71036613333353964346231626437373332',1,'default','running','2026-11-26 10:23:29.634',X'0B',X'809BAA09C9222B7E23F89E3C48E0E8EA54DF87D8B5CC2389996B7C4A08272FC5',241);
INSERT INTO river_job (id,args,attempt,attempted_at,attempted_by,created_at,errors,finalized_at,kind,max_attempts,metadata,priority,queue,state,scheduled_at,tags,unique_key,unique_states) VALUES (4,X'CC14777375626A656374B761636D652F73686F702334',0,NULL,NULL,'2026-11-26 10:23:31.141',NULL,NULL,'review',12,X'CC26C71272697665723A756E697175655F6E6F6E6365C71062616664373163373161316236393036',1,'default','available','2026-11-26 10:23:31.141',X'0B',X'9FC420844F7C1ADEE4A462631380CC5D31B7557C4D204BC17EA3E8F559BBB32B',241);
INSERT INTO river_job (id,args,attempt,attempted_at,attempted_by,created_at,errors,finalized_at,kind,max_attempts,metadata,priority,queue,state,scheduled_at,tags,unique_key,unique_states) VALUES (5,X'CC14777375626A656374B761636D652F73686F702335',0,NULL,NULL,'2026-11-26 10:23:32.642',NULL,NULL,'review',12,X'CC26C71272697665723A756E697175655F6E6F6E6365C71035353936376362636232646236323361',1,'default','available','2026-11-26 10:23:32.642',X'0B',X'84E6B588F4E506EF874B791F55724C923C1E0C535B9459760334275F5C380DE0',241);
INSERT INTO lighterman_schema (version) VALUES (1);
INSERT INTO lighterman_schema (version) VALUES (2);
INSERT INTO lighterman_schema (version) VALUES (3);
INSERT INTO lighterman_schema (version) VALUES (4);
INSERT INTO lighterman_schema (version) VALUES (5);
INSERT INTO lighterman_schema (version) VALUES (6);
INSERT INTO lighterman_schema (version) VALUES (7);
INSERT INTO lighterman_schema (version) VALUES (8);
INSERT INTO lighterman_schema (version) VALUES (9);
INSERT INTO lighterman_schema (version) VALUES (10);
INSERT INTO lighterman_schema (version) VALUES (11);
INSERT INTO lighterman_schema (version) VALUES (12);
INSERT INTO lighterman_schema (version) VALUES (13);
INSERT INTO lighterman_schema (version) VALUES (14);
INSERT INTO lighterman_schema (version) VALUES (15);
INSERT INTO lighterman_schema (version) VALUES (16);
INSERT INTO lighterman_schema (version) VALUES (17);
INSERT INTO lighterman_delivery (guid,event,action,subject,payload,received_at) VALUES ('guid-1','pull_request','opened','acme/shop#1',X'7B22616374696F6E223A226F70656E6564227D',1795688606627);
INSERT INTO lighterman_delivery (guid,event,action,subject,payload,received_at) VALUES ('guid-2','pull_request','opened','acme/shop#2',X'7B22616374696F6E223A226F70656E6564227D',1795688608131);
INSERT INTO lighterman_delivery (guid,event,action,subject,payload,received_at) VALUES ('guid-3','pull_request','opened','acme/shop#3',X'7B22616374696F6E223A226F70656E6564227D',1795688609633);
INSERT INTO lighterman_delivery (guid,event,action,subject,payload,received_at) VALUES ('guid-4','pull_request','opened','acme/shop#4',X'7B22616374696F6E223A226F70656E6564227D',1795688611140);
INSERT INTO lighterman_delivery (guid,event,action,subject,payload,received_at) VALUES ('guid-5','pull_request','opened','acme/shop#5',X'7B22616374696F6E223A226F70656E6564227D',1795688612642);
INSERT INTO lighterman_pull (subject,installation,owner,name,number,generation,group_head,group_base,done_head,began_at,seen_head,seen_at,failing,mark,told_head) VALUES ('acme/shop#1',7,'acme','shop',1,1,'','','',1795688606632,'',0,'','','');
INSERT INTO lighterman_pull (subject,installation,owner,name,number,generation,group_head,group_base,done_head,began_at,seen_head,seen_at,failing,mark,told_head) VALUES ('acme/shop#2',7,'acme','shop',2,1,'','','',0,'',0,'2/1','','');
INSERT INTO lighterman_pull (subject,installation,owner,name,number,generation,group_head,group_base,done_head,began_at,seen_head,seen_at,failing,mark,told_head) VALUES ('acme/shop#3',7,'acme','shop',3,1,'','','',0,'',0,'','','');
INSERT INTO lighterman_pull (subject,installation,owner,name,number,generation,group_head,group_base,done_head,began_at,seen_head,seen_at,failing,mark,told_head) VALUES ('acme/shop#4',7,'acme','shop',4,1,'','','',0,'',0,'','','');
INSERT INTO lighterman_pull (subject,installation,owner,name,number,generation,group_head,group_base,done_head,began_at,seen_head,seen_at,failing,mark,told_head) VALUES ('acme/shop#5',7,'acme','shop',5,1,'','','',0,'',0,'','','');
CREATE INDEX river_notification_created_at_idx ON river_notification (created_at);
CREATE INDEX river_notification_topic_id_idx ON river_notification (topic, id);
CREATE INDEX river_job_kind ON river_job (kind);
CREATE INDEX river_job_state_and_finalized_at_index ON river_job (state, finalized_at) WHERE finalized_at IS NOT NULL;
CREATE INDEX river_job_prioritized_fetching_index ON river_job (state, queue, priority, scheduled_at, id);
CREATE UNIQUE INDEX river_job_unique_idx ON river_job (unique_key)
    WHERE unique_key IS NOT NULL
        AND unique_states IS NOT NULL
        AND CASE state
            WHEN 'available' THEN unique_states & (1 << 0)
            WHEN 'cancelled' THEN unique_states & (1 << 1)
            WHEN 'completed' THEN unique_states & (1 << 2)
            WHEN 'discarded' THEN unique_states & (1 << 3)
            WHEN 'pending'   THEN unique_states & (1 << 4)
            WHEN 'retryable' THEN unique_states & (1 << 5)
            WHEN 'running'   THEN unique_states & (1 << 6)
            WHEN 'scheduled' THEN unique_states & (1 << 7)
            ELSE 0
        END >= 1;
CREATE INDEX lighterman_delivery_received_at ON lighterman_delivery (received_at);
CREATE INDEX lighterman_pull_done_head ON lighterman_pull (done_head);
