// Segments files by an exported segmenter through TensorFlow's C API, without Python.
//
//   saved_model_check VERSION_DIR INPUT OUTPUT INDEX FILE...
//
// INPUT and OUTPUT are operations of the signature segment_encoded, INDEX is that of the
// mask. Writes the mask beside each FILE, as float32 in FILE.mask; of a file that fails it
// prints TensorFlow's message, and goes on.

#include <stdio.h>
#include <stdlib.h>
#include <tensorflow/c/c_api.h>
#include <tensorflow/c/tf_tensor.h>

static TF_Tensor* ReadFile(const char* path) {
  FILE* file = fopen(path, "rb");
  if (!file) exit(3);
  fseek(file, 0, SEEK_END);
  const size_t size = ftell(file);
  rewind(file);
  char* content = malloc(size + 1);
  if (fread(content, 1, size, file) != size) exit(3);
  fclose(file);
  const int64_t batch[] = {1};
  TF_Tensor* tensor = TF_AllocateTensor(TF_STRING, batch, 1, sizeof(TF_TString));
  TF_StringInit(TF_TensorData(tensor));
  TF_StringCopy(TF_TensorData(tensor), content, size);
  free(content);
  return tensor;
}

static void WriteMask(const char* path, const TF_Tensor* mask) {
  char name[4096];
  snprintf(name, sizeof(name), "%s.mask", path);
  FILE* file = fopen(name, "wb");
  if (!file) exit(3);
  fwrite(TF_TensorData(mask), 1, TF_TensorByteSize(mask), file);
  fclose(file);
}

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  TF_Status* status = TF_NewStatus();
  TF_Graph* graph = TF_NewGraph();
  TF_SessionOptions* options = TF_NewSessionOptions();
  const char* tags[] = {"serve"};
  TF_Session* session = TF_LoadSessionFromSavedModel(
      options, NULL, argv[1], tags, 1, graph, NULL, status);
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s\n", TF_Message(status));
    return 1;
  }
  const TF_Output input = {TF_GraphOperationByName(graph, argv[2]), 0};
  const TF_Output output = {TF_GraphOperationByName(graph, argv[3]), atoi(argv[4])};
  if (!input.oper || !output.oper) return 2;
  for (int i = 5; i < argc; ++i) {
    TF_Tensor* bytes = ReadFile(argv[i]);
    TF_Tensor* mask = NULL;
    TF_SessionRun(session, NULL, &input, &bytes, 1, &output, &mask, 1, NULL, 0, NULL,
                  status);
    if (TF_GetCode(status) == TF_OK) {
      WriteMask(argv[i], mask);
      TF_DeleteTensor(mask);
    } else {
      printf("%s: %s\n", argv[i], TF_Message(status));
    }
    TF_DeleteTensor(bytes);
  }
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  TF_DeleteSessionOptions(options);
  TF_DeleteGraph(graph);
  TF_DeleteStatus(status);
  return 0;
}
