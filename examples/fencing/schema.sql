-- The tables of the example. psql -f schema.sql applies them.

-- --guard column: the token is a column of the row that it protects.
CREATE TABLE IF NOT EXISTS counters (
	name   text   PRIMARY KEY,
	n      bigint NOT NULL,
	worker text   NOT NULL,
	token  bigint NOT NULL
);

-- --guard table: one row for each lock protects any number of rows, of any tables.
CREATE TABLE IF NOT EXISTS fences (
	name  text   PRIMARY KEY,
	token bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS journal (
	n      bigint PRIMARY KEY,
	worker text   NOT NULL,
	token  bigint NOT NULL
);
