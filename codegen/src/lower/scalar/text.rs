//! Functions of strings, characters and bytes: calls into the runtime.
//!
//! Those that make strings, may fail or may give `None` take the context and give a status; see
//! [`sabot_abi::kernel::Context::result`].

use super::{Scalar, ScalarCx};
use crate::column::Class;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder as _, Value, types};
use sabot_abi::function::RuntimeFunction;
use sabot_ir::expr::Expr;
use sabot_ir::span::Span;
use sabot_ir::text::TextFunction;
use sabot_ir::ty::Type;

/// `function(args)`.
pub(super) fn call(cx: &mut ScalarCx<'_, '_>, function: TextFunction, args: &[Scalar], expr: &Expr) -> Scalar {
    let called = match function {
        TextFunction::Concat => RuntimeFunction::StrConcat,
    };
    let args: Vec<Value> = args.iter().flat_map(|arg| std::iter::once(arg.value).chain(arg.len)).collect();
    cx.call_with_result(called, &args, &expr.ty, expr.span)
}

impl ScalarCx<'_, '_> {
    /// Calls a runtime function that takes the context, and gives its value, which is of type `ty`. Where its status is an
    /// error, the row cannot be computed; `None` it may only be of an `Option`.
    pub(super) fn call_with_result(
        &mut self,
        function: RuntimeFunction,
        args: &[Value],
        ty: &Type,
        span: Span,
    ) -> Scalar {
        let status = self.fx.call(function, args);
        let is_error =
            if ty.is_option() { self.fx.builder.ins().icmp_imm_s(IntCC::SignedGreaterThan, status, 0) } else { status };
        let failed = self.fx.cold_block();
        let next = self.fx.builder.create_block();
        self.fx.builder.ins().brif(is_error, failed, &[], next, &[]);
        self.fx.builder.switch_to_block(failed);
        let code = self.fx.builder.ins().ireduce(types::I32, status);
        self.fail_here(code, span);
        self.fx.builder.switch_to_block(next);
        let mut value = self.result(Class::of(ty));
        if ty.is_option() {
            value.valid = Some(self.fx.is_zero(status));
        }
        value
    }

    /// What `Context::result` holds.
    fn result(&mut self, class: Class) -> Scalar {
        match class {
            Class::Unit => Scalar::plain(self.fx.int(types::I8, 0)),
            Class::Bool | Class::Int { .. } | Class::F32 | Class::F64 => {
                Scalar::plain(self.fx.result(class.scalar(), 0))
            }
            Class::Str => {
                let value = self.fx.result(types::I64, 0);
                Scalar { value, len: Some(self.fx.result(types::I64, 1)), valid: None }
            }
            Class::Decimal => {
                let (low, high) = (self.fx.result(types::I64, 0), self.fx.result(types::I64, 1));
                Scalar::plain(self.fx.builder.ins().iconcat(low, high))
            }
        }
    }
}
