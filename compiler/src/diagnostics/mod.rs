//! Every sentence the compiler can say.

pub(crate) mod similar;
pub(crate) mod syntax;
