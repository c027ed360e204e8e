//! What a new migration may not do while the version before still runs (docs/upgrading.md).

/// What an expand step may not contain, word by word, and what to do instead.
const TAKEN_AWAY: &[(&[&str], &str)] = &[
    (&["drop", "table"], "drops a table: that is for a contract step"),
    (&["drop", "column"], "drops a column: that is for a contract step"),
    (&["drop", "view"], "drops a view: that is for a contract step"),
    (&["drop", "function"], "drops a function: that is for a contract step"),
    (&["drop", "procedure"], "drops a procedure: that is for a contract step"),
    (&["drop", "type"], "drops a type: that is for a contract step"),
    (&["drop", "default"], "drops a default: the version before does not name the column"),
    (&["rename"], "renames: add under the new name, and take the old one away in a contract step"),
    (&["set", "not", "null"], "makes a column NOT NULL: the version before may write NULL"),
    (&["set", "data", "type"], "changes a type: add a column of the new type"),
    (&["or", "replace"], "replaces what the version before calls: give it a new name"),
    (&["drop", "trigger"], "drops a trigger: that is for a contract step"),
    (&["drop", "policy"], "drops a policy: that is for a contract step"),
    (&["drop", "constraint"], "drops a constraint: that is for a contract step"),
    (&["drop", "schema"], "drops a schema: that is for a contract step"),
    (&["drop", "role"], "drops a role: that is for a contract step"),
    (&["drop", "owned"], "drops what a role owns: that is for a contract step"),
];

/// The rules that a migration breaks.
pub(super) fn broken_by(sql: &str) -> Vec<String> {
    let (expands, contracts) = (says(sql, "-- Expand"), says(sql, "-- Contract"));
    match (expands, contracts) {
        (true, false) => statements(sql).iter().flat_map(|statement| of_expand(statement)).collect(),
        (false, true) if !sql.contains("oldest_program") => {
            vec!["a contract step sets installation.oldest_program".to_owned()]
        }
        (false, true) => Vec::new(),
        _ => vec!["a line of its first comment begins with `-- Expand` or with `-- Contract`".to_owned()],
    }
}

fn says(sql: &str, word: &str) -> bool {
    sql.lines()
        .take_while(|line| line.starts_with("--") || line.is_empty())
        .any(|line| line.starts_with(word))
}

/// Words after which the name of a column may stand bare: Postgres does not ask for COLUMN.
const MAY_BE_BARE: [&str; 4] = ["add", "alter", "drop", "rename"];
/// What stands there otherwise.
const NO_COLUMN: [&str; 14] = [
    "check",
    "column",
    "constraint",
    "default",
    "exclude",
    "expression",
    "foreign",
    "generated",
    "identity",
    "not",
    "primary",
    "table",
    "to",
    "unique",
];

fn of_expand(statement: &[String]) -> Vec<String> {
    let statement = &spelled_out(statement);
    let mut broken: Vec<_> = TAKEN_AWAY
        .iter()
        .filter(|(words, _)| contains(statement, words))
        .map(|(_, problem)| (*problem).to_owned())
        .collect();
    if statement[0] == "revoke" && !is_of_a_new_function(statement) {
        broken.push("takes a right away: that is for a contract step".to_owned());
    }
    if changes_a_type(statement) {
        broken.push("changes a type: add a column of the new type".to_owned());
    }
    broken.extend(added_columns(statement).filter(|column| demands_a_value(column)).map(|column| {
        format!("adds `{}` NOT NULL without a default: the version before does not write it", column[0])
    }));
    broken
}

/// With COLUMN wherever it may be left out.
fn spelled_out(statement: &[String]) -> Vec<String> {
    let mut spelled = Vec::new();
    for (place, word) in statement.iter().enumerate() {
        spelled.push(word.clone());
        let next = statement.get(place + 1).map(String::as_str);
        let bare = place > 0
            && MAY_BE_BARE.contains(&word.as_str())
            && next.is_some_and(|next| !NO_COLUMN.contains(&next));
        if bare && statement.starts_with(&["alter".to_owned(), "table".to_owned()]) {
            spelled.push("column".to_owned());
        }
    }
    spelled
}

/// What everybody may call once it is there is taken from everybody, and given to some.
fn is_of_a_new_function(revoke: &[String]) -> bool {
    contains(revoke, &["on", "function"]) && revoke.ends_with(&["from".to_owned(), "public".to_owned()])
}

fn contains(statement: &[String], words: &[&str]) -> bool {
    statement.windows(words.len()).any(|window| window == words)
}

/// `ALTER COLUMN x TYPE y`
fn changes_a_type(statement: &[String]) -> bool {
    statement.windows(4).any(|window| window[..2] == ["alter", "column"] && window[3] == "type")
}

/// From the name of each added column to the end of its definition.
fn added_columns(statement: &[String]) -> impl Iterator<Item = &[String]> {
    let begins =
        |place: &usize| contains(&statement[*place..(*place + 2).min(statement.len())], &["add", "column"]);
    (0..statement.len()).filter(begins).filter_map(|place| {
        let column = &statement[place + 2..];
        let end = column.iter().position(|word| word == "add").unwrap_or(column.len());
        (!column.is_empty()).then(|| &column[..end])
    })
}

fn demands_a_value(column: &[String]) -> bool {
    let has = |word: &str| column.iter().any(|of_column| of_column == word);
    contains(column, &["not", "null"]) && !has("default") && !has("generated")
}

/// The words of each statement, in lower case, without comments and without what stands in quotes: bodies of functions are new,
/// or their names are not. What a DO block says and executes is done now, so it counts.
fn statements(sql: &str) -> Vec<Vec<String>> {
    let without_comments: Vec<_> =
        sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let without_bodies = without_bodies(&without_comments.join("\n"));
    // Every second part stands between two quotes.
    let bare: Vec<_> = without_bodies.split('\'').step_by(2).map(str::to_owned).collect();
    bare.join(" ").split(';').map(words).filter(|statement| !statement.is_empty()).collect()
}

/// Every second part stands between two `$$`: it is left out, but for that of a DO block, whose quotes are.
fn without_bodies(sql: &str) -> String {
    let mut kept = String::new();
    for (number, part) in sql.split("$$").enumerate() {
        match number % 2 {
            0 => kept += part,
            _ if words(&kept).last().is_some_and(|word| word == "do") => kept += &part.replace('\'', " "),
            _ => kept.push(' '),
        }
    }
    kept
}

fn words(statement: &str) -> Vec<String> {
    let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    statement
        .split(|letter: char| !is_of_word(letter))
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_expand_step(statement: &str) -> Vec<String> {
        broken_by(&format!("-- Something new.\n--\n-- Expand: nothing is lost.\n\n{statement}\n"))
    }

    #[test]
    fn what_adds_is_fine() {
        for fine in [
            "CREATE TABLE a (b text NOT NULL);",
            "ALTER TABLE a ADD COLUMN b text, ADD COLUMN c text NOT NULL DEFAULT '', ADD CHECK (b IS NOT NULL);",
            "ALTER TABLE a ALTER COLUMN b DROP NOT NULL;",
            "-- drop table a;",
            "COMMENT ON TABLE a IS 'drop table';",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ DROP TABLE a; $$;",
            "CREATE INDEX a_b ON a (b);",
            "ALTER TABLE a ADD b text, ADD PRIMARY KEY (c), ALTER b DROP NOT NULL, ALTER b SET DEFAULT '';",
            "REVOKE ALL ON FUNCTION f(text) FROM PUBLIC;",
            "DO $$ BEGIN EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO a', f); END $$;",
        ] {
            assert_eq!(of_expand_step(fine), [""; 0], "{fine}");
        }
    }

    #[test]
    fn what_takes_away_is_found() {
        for (bad, problem) in [
            ("DROP TABLE a;", "drops a table"),
            ("ALTER TABLE a\n  DROP  COLUMN b;", "drops a column"),
            ("ALTER TABLE a RENAME COLUMN b TO c;", "renames"),
            ("ALTER TABLE a ALTER COLUMN b SET NOT NULL;", "NOT NULL"),
            ("ALTER TABLE a ALTER COLUMN b TYPE bigint;", "changes a type"),
            ("ALTER TABLE a ALTER COLUMN b SET DATA TYPE bigint;", "changes a type"),
            ("ALTER TABLE a ADD COLUMN b text, ADD COLUMN c text NOT NULL;", "adds `c` NOT NULL"),
            ("create or replace function f() returns int as $$ select 1 $$ language sql;", "replaces"),
            ("DROP FUNCTION f();", "drops a function"),
            ("DROP TRIGGER a ON b;", "drops a trigger"),
            ("ALTER TABLE a DROP b;", "drops a column"),
            ("ALTER TABLE a ADD b text NOT NULL;", "adds `b` NOT NULL"),
            ("ALTER TABLE a ALTER b TYPE bigint;", "changes a type"),
            ("REVOKE UPDATE ON a FROM b;", "takes a right away"),
            ("REVOKE ALL ON a FROM PUBLIC;", "takes a right away"),
            ("DO $$ BEGIN EXECUTE 'DROP TABLE grants'; END $$;", "drops a table"),
        ] {
            let broken = of_expand_step(bad);
            assert!(broken.len() == 1 && broken[0].contains(problem), "{bad}: {broken:?}");
        }
    }

    #[test]
    fn a_contract_step_says_so_and_turns_old_programs_away() {
        let taken = "DROP TABLE a;";
        assert_eq!(broken_by(taken).len(), 1);
        assert_eq!(broken_by(&format!("-- Contract: b is used by all.\n{taken}")).len(), 1);
        let whole =
            format!("-- Contract: b is used by all.\n{taken}\nUPDATE installation SET oldest_program = 31;");
        assert_eq!(broken_by(&whole), [""; 0]);
    }
}
