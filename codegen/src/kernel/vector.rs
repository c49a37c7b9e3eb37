//! The loop of a vector kernel.
use super::KernelBody;
use crate::CodegenError;
use crate::function::FunctionCx;

pub(super) fn build(_fx: &mut FunctionCx<'_>, _body: &KernelBody, _nullable: bool) -> Result<(), CodegenError> {
    Err(CodegenError::internal("later"))
}
