create table if not exists item (id bigint primary key, name text not null);
