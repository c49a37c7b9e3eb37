//! Every sentence the compiler can say.
