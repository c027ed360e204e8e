//! Writes `Debug` for the messages that carry a secret.
//!
//! The contract marks a secret with `debug_redact = true`. Reading that mark, instead of a list in Rust, means that a
//! secret added to the contract is never printed because somebody forgot the list.

use std::fmt::Write as _;

use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};

pub(crate) struct RedactedDebug {
    messages: Vec<MessageDescriptor>,
}

impl RedactedDebug {
    /// The messages of `package` with a marked field of their own.
    pub(crate) fn of(pool: &DescriptorPool, package: &str) -> Self {
        let messages = pool
            .all_messages()
            .filter(|message| {
                message.package_name() == package && message.fields().any(|field| is_secret(&field))
            })
            .collect();
        Self { messages }
    }

    /// Full names of the messages whose derived `Debug` must be left out.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &str> {
        self.messages.iter().map(MessageDescriptor::full_name)
    }

    /// Rust source of their `Debug`, for the module that holds them.
    pub(crate) fn source(&self) -> String {
        self.messages.iter().fold(String::new(), |mut source, message| {
            source += &message_impl(message);
            for oneof in real_oneofs(message) {
                source += &oneof_impl(message, &oneof);
            }
            source
        })
    }
}

fn is_secret(field: &FieldDescriptor) -> bool {
    let options = field.options();
    options.get_field_by_name("debug_redact").is_some_and(|value| value.as_bool() == Some(true))
}

fn real_oneofs(message: &MessageDescriptor) -> impl Iterator<Item = OneofDescriptor> {
    message.oneofs().filter(|oneof| !oneof.is_synthetic())
}

fn in_oneof(field: &FieldDescriptor) -> bool {
    field.containing_oneof().is_some_and(|oneof| !oneof.is_synthetic())
}

fn message_impl(message: &MessageDescriptor) -> String {
    let mut body = String::new();
    for field in message.fields().filter(|field| !in_oneof(field)) {
        let value = if is_secret(&field) { "&REDACTED".to_owned() } else { readable(&field) };
        let _ = write!(body, ".field(\"{0}\", {value})", field.name());
    }
    for oneof in real_oneofs(message) {
        let _ = write!(body, ".field(\"{0}\", &self.{0})", oneof.name());
    }
    format!(
        "impl ::core::fmt::Debug for {0} {{\n\
         fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\n\
         f.debug_struct(\"{0}\"){body}.finish()\n}}\n}}\n",
        message.name()
    )
}

/// An enum is an `i32` in the message; its accessor answers the value that a person can read.
fn readable(field: &FieldDescriptor) -> String {
    match field.kind() {
        Kind::Enum(_) if !field.is_list() && !field.is_map() => format!("&self.{}()", field.name()),
        _ => format!("&self.{}", field.name()),
    }
}

fn oneof_impl(message: &MessageDescriptor, oneof: &OneofDescriptor) -> String {
    let name = camel(oneof.name());
    let mut arms = String::new();
    for field in oneof.fields() {
        let variant = camel(field.name());
        let _ = if is_secret(&field) {
            writeln!(arms, "Self::{variant}(_) => f.debug_tuple(\"{variant}\").field(&REDACTED).finish(),")
        } else {
            writeln!(arms, "Self::{variant}(value) => f.debug_tuple(\"{variant}\").field(value).finish(),")
        };
    }
    format!(
        "impl ::core::fmt::Debug for {}::{name} {{\n\
         fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{\nmatch self {{\n{arms}}}\n}}\n}}\n",
        snake(message.name())
    )
}

fn camel(snake: &str) -> String {
    snake.split('_').fold(String::new(), |mut camel, word| {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel + letters.as_str()
    })
}

fn snake(camel: &str) -> String {
    camel.chars().enumerate().fold(String::new(), |mut snake, (position, letter)| {
        if position > 0 && letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        snake
    })
}
